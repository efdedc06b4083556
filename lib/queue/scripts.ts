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

/** Binds the scripts to a connection. They are read from disk at their first use: a task pays for what it calls. */
export function scriptsOn(redis: Redis, overrides: Partial<Limits> = {}): Run {
  const numbers = JSON.stringify({ ...limits, ...overrides })
  return (name, ...args) => {
    const command = `raibid_${name}`
    const commands = redis as unknown as Commands
    if (!commands[command]) redis.defineCommand(command, { numberOfKeys: 0, lua: assemble(name) })
    return commands[command]!(numbers, ...args)
  }
}
