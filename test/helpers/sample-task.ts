import { setTimeout as sleep } from 'node:timers/promises'
import type { Spec } from '#lib/cli/args.ts'
import { info, print } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { InterruptedError, UnreachableError, UsageError } from '#lib/errors.ts'

/** A task that does whatever a test of main() wants. */
const spec = {
  name: 'sample',
  group: 'check',
  summary: 'Do as told',
  positionals: [{ name: 'what', description: 'What to do', required: true }],
  flags: { json: { type: 'boolean', description: 'Nothing' } },
} satisfies Spec

const acts: Record<string, (signal: AbortSignal) => Promise<number | void> | number | void> = {
  nothing: () => {},
  five: () => 5,
  usage: () => {
    throw new UsageError('The moon is not a branch.')
  },
  unreachable: () => {
    throw new UnreachableError("Redis can't be reached.")
  },
  bug: () => {
    throw new TypeError('x is undefined\nand more')
  },
  reject: async () => {
    void Promise.reject(new Error('nobody waited'))
    await sleep(10_000)
  },
  // Something still open: the task is over all the same.
  handle: () => void setInterval(() => {}, 1000),
  much: () => {
    for (let i = 0; i < 50_000; i++) print(`line ${i}`)
  },
  endless: async (signal) => {
    for (let i = 0; ; i++) {
      print(`line ${i}`)
      if (i % 100 === 0) await sleep(1, undefined, { signal })
    }
  },
  deaf: async () => {
    print('ready')
    await sleep(60_000)
  },
  tidy: async (signal) => {
    print('ready')
    await sleep(60_000, undefined, { signal }).catch(() => {})
    await sleep(50)
    info('tidied')
    throw new InterruptedError('stopped')
  },
  stubborn: async (signal) => {
    signal.addEventListener('abort', () => print('again'))
    print('ready')
    await sleep(60_000)
  },
}

await main(spec, ({ what }, { signal }) => acts[what]?.(signal))
