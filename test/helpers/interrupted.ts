import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { stateNames } from '#lib/bootstrap/state.ts'
import { root } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import type { Result } from './run-process.ts'
import type { WriteProxy } from './write-proxy.ts'

/** How a verb is ended in the middle: by Ctrl-C, without a word, or by an API server that goes away. */
export const hows = ['SIGINT', 'SIGKILL', 'cut'] as const
export type How = (typeof hows)[number]

export interface Interrupting {
  /** `bootstrap`, `teardown`, `reconcile`. */
  verb: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  /** Those whose writes count; the first that is reached at its count goes wrong. */
  proxy: WriteProxy
  /** `in turn`: before the one, after the next. */
  when: 'before' | 'after' | 'in turn'
  /** One after the other, again and again. */
  by: readonly How[]
  /** What there is, by name: an object's uid, what a Secret holds. */
  snapshot: () => Promise<Map<string, string>> | Map<string, string>
  /** Looked at after each interrupted run. */
  after?: (ran: Result, how: How, before: Map<string, string>) => Promise<void> | void
  /** Added to the command that a message names. */
  besides?: readonly string[]
}

/** Runs a verb again and again, each time ended at the write after the last one's, until it comes to its end; gives how many times it was ended. */
export async function atEveryWrite(run: Interrupting): Promise<{ ended: number; writes: number; last: Result }> {
  const { verb, env, proxy, by, besides = [] } = run
  const home = env['RAIBID_HOME']!
  let args = run.args
  const count = proxy.state.writes.length
  const seen = new Set<string>()
  let more = 0
  for (let n = 0; ; n++) {
    const how = by[n % by.length]!
    const when = run.when !== 'in turn' ? run.when : n % 2 ? 'before' : 'after'
    const before = await run.snapshot()
    let pid = 0
    const act = (): void => void (how !== 'cut' && process.kill(pid, how))
    // `before` lets one write through, or nothing would ever go on; the first run has none
    proxy.arm({ nth: (when === 'before' && n > 0 ? 2 : 1) + more, when, act, cut: how !== 'SIGINT' })
    const last = await start(verb, args, env, (child) => (pid = child))
    const what = `${verb} ${args.join(' ')}, ended ${when} write ${n} by ${how}: ${last.stderr}${last.stdout}`
    const { hit } = proxy.state
    proxy.back()
    if (!hit) {
      expect(last.code, what).toBe(0)
      return { ended: n, writes: proxy.state.writes.length - count, last }
    }
    // what was lost is made again (a token that nobody has read): the next one is let a write further
    const shape = hit.replaceAll(/\d+/g, 'N')
    more = seen.has(shape) ? more + 1 : 0
    seen.add(shape)
    whole(home, how, what)
    await run.after?.(last, how, before)
    if (how === 'SIGKILL') {
      expect(last.signal, what).toBe('SIGKILL')
      continue
    }
    if (how === 'SIGINT') expect(last.code, what).toBe(130)
    const named = new RegExp(`(?:taken up by|to go on): just ${verb}( .*)?`).exec(last.stderr)
    // what the message says is what is done next
    if (named) args = [...(named[1]?.trim().split(' ') ?? []), ...besides].filter(Boolean)
    else if (verb !== 'reconcile') expect(last.stderr, what).toContain('run the same again')
    if (n > 300) throw new Error(`${what}\nit never ends`)
  }
}

/** The state file can be read, and nothing but it is left; a lock only by who was killed. */
function whole(home: string, how: How, what: string): void {
  const file = join(home, files.clusterState)
  if (existsSync(file)) {
    const state = JSON.parse(readFileSync(file, 'utf8')) as { components: Record<string, { state: string }> }
    for (const { state: is } of Object.values(state.components)) expect(stateNames, what).toContain(is)
  }
  const left = readdirSync(join(home, 'cluster')).filter((name) => name !== 'state.json')
  if (how !== 'SIGKILL') expect(left, what).toEqual([])
}

/** Starts a task as a process; whoever is given its pid may end it. */
export function start(
  verb: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onStart: (pid: number) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, `tasks/cluster/${verb}.ts`), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onStart(child.pid!)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** What was there before is there now, and is the same. */
export function kept(before: Map<string, string>, now: Map<string, string>): void {
  for (const [name, value] of before) expect(now.get(name), name).toBe(value)
}
