import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { limits, type Limits } from './limits.ts'

export type ScriptName =
  | 'admit'
  | 'audit'
  | 'beat'
  | 'cancel'
  | 'claim'
  | 'drop'
  | 'enqueue'
  | 'expire'
  | 'finish'
  | 'log'
  | 'release'
  | 'report'
  | 'retry'
  | 'sweep'
  | 'tend'
  | 'told'

/** Runs one script, by its digest; Redis is sent the text only when it does not know it. */
export type Run = (name: ScriptName, ...args: (string | number)[]) => Promise<unknown>

const part = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')

/** The whole text of a script: the limits, the parts its first line names, then itself, under Redis 7's script flags. */
export function assemble(name: ScriptName, overrides: Partial<Limits> = {}): string {
  const body = part(name)
  const [, parts = ''] = /^-- with: (.*)$/m.exec(body) ?? []
  const [, flags = ''] = /^-- flags: (.*)$/m.exec(body) ?? []
  const first = flags ? `#!lua flags=${flags}` : '#!lua'
  const numbers = Object.entries({ ...limits, ...overrides }).map(([limit, value]) => `${limit} = ${Number(value)}`)
  return [first, `local L = { ${numbers.join(', ')} }`, ...parts.split(' ').map(part), body].join('\n')
}

type Commands = Record<string, (...args: (string | number)[]) => Promise<unknown>>

/** What a script is called on a connection: with other limits it is another script. */
export function commandName(name: ScriptName, overrides: Partial<Limits> = {}): string {
  const own = Object.entries(overrides).sort(([a], [b]) => (a < b ? -1 : 1))
  return ['raibid', name, ...own.map(([limit, value]) => `${limit}=${value}`)].join('_')
}

/**
 * Binds the scripts to a connection. They are read from disk at their first use, for a task pays for what
 * it calls; those needed `soon` at once, while the connection is being made.
 */
export function scriptsOn(redis: Redis, overrides: Partial<Limits> = {}, soon: readonly ScriptName[] = []): Run {
  const commands = redis as unknown as Commands
  const defined = new Map<ScriptName, string>()
  const define = (name: ScriptName): string => {
    const command = commandName(name, overrides)
    if (!commands[command]) redis.defineCommand(command, { numberOfKeys: 0, lua: assemble(name, overrides) })
    defined.set(name, command)
    return command
  }
  for (const name of soon) define(name)
  return (name, ...args) => commands[defined.get(name) ?? define(name)]!(...args)
}
