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
  | 'retry'
  | 'sweep'
  | 'tend'

/** Runs one script, by its digest; Redis is sent the text only when it does not know it. */
export type Run = (name: ScriptName, ...args: (string | number)[]) => Promise<unknown>

const part = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8')

/** The whole text of a script: the parts its first line names, then itself, under Redis 7's script flags. */
export function assemble(name: ScriptName): string {
  const body = part(name)
  const [, parts = ''] = /^-- with: (.*)$/m.exec(body) ?? []
  const [, flags = ''] = /^-- flags: (.*)$/m.exec(body) ?? []
  const first = flags ? `#!lua flags=${flags}` : '#!lua'
  return [first, ...parts.split(' ').map(part), body].join('\n')
}

type Commands = Record<string, (...args: (string | number)[]) => Promise<unknown>>

/**
 * Binds the scripts to a connection. They are read from disk at their first use, for a task pays for what
 * it calls; those needed `soon` at once, while the connection is being made.
 */
export function scriptsOn(redis: Redis, overrides: Partial<Limits> = {}, soon: readonly ScriptName[] = []): Run {
  const numbers = JSON.stringify({ ...limits, ...overrides })
  const commands = redis as unknown as Commands
  const define = (name: ScriptName): string => {
    const command = `raibid_${name}`
    if (!commands[command]) redis.defineCommand(command, { numberOfKeys: 0, lua: assemble(name) })
    return command
  }
  for (const name of soon) define(name)
  return (name, ...args) => commands[define(name)]!(numbers, ...args)
}
