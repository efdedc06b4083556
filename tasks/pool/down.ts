#!/usr/bin/env node
/** Stop the local pool when its jobs have ended. */
import type { Server } from 'node:net'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { clearLeftovers } from '#lib/pool/leftovers.ts'
import { takeLock } from '#lib/pool/lock.ts'
import { notedAgents, runningPool, type PoolState } from '#lib/pool/state.ts'
import { isSameProcess } from '#lib/processes.ts'

export const spec = {
  name: 'down',
  group: 'pool',
  summary: 'Stop the local pool when its jobs have ended',
  flags: {
    now: { type: 'boolean', description: 'do not wait: running jobs go back to the queue, and run when the pool is up again' },
  },
  examples: ['just down', 'just down --now'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { home } = await loadConfig()
  const pool = await found(home, signal)
  if ('close' in pool) {
    const cleared = await clearLeftovers(home).finally(() => pool.close())
    if (cleared) ok(`the pool was not running; ended what an earlier one left behind (${cleared} processes)`)
    else info('the pool is not running')
    return 0
  }
  const atWork = notedAgents(home).filter((note) => isSameProcess(note.pid, note.startTime)).length
  step(args.now ? 'stopping: running jobs go back to the queue' : `draining: ${atWork} agent${atWork === 1 ? '' : 's'} to end`)
  process.kill(pool.pid, args.now ? 'SIGINT' : 'SIGTERM')
  while (isSameProcess(pool.pid, pool.startTime)) {
    if (signal.aborted) throw signal.reason
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  ok('the pool is down')
  return 0
}

/** The pool that runs, or the lock of a home in which none does. One that is just starting is waited for. */
async function found(home: string, signal: AbortSignal): Promise<PoolState | Server> {
  for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const got = runningPool(home) ?? (await takeLock(home))
    if (got) return got
    if (signal.aborted) throw signal.reason
    if (Date.now() > end) throw new RaibidError(`a pool holds ${home} but does not come up; see ${files.poolLog} there`)
  }
}

if (import.meta.main) await main(spec, run)
