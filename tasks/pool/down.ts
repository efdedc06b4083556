#!/usr/bin/env node
/** Stop the local pool when its jobs have ended. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, step } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { clearLeftovers } from '#lib/pool/leftovers.ts'
import { notedAgents, runningPool } from '#lib/pool/state.ts'
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
  const pool = runningPool(home)
  if (!pool) {
    const cleared = await clearLeftovers(home)
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

if (import.meta.main) await main(spec, run)
