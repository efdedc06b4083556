import { figures, ratios, rounded, type Figures } from './stats.ts'

/** One measured quantity. */
export type Series = Figures & { name: string; unit: string }

/** `of` divided by `to`, run by run. */
export type Ratio = Figures & { of: string; to: string }

/** What was hoped for, and what was measured. A goal, not a limit: nothing fails by it. */
export interface Goal {
  name: string
  wanted: string
  measured: string
  reached: boolean
}

export interface Findings {
  series: Series[]
  ratios: Ratio[]
  goals: Goal[]
  /** What exactly was measured, and what was left out. */
  notes: string[]
}

export interface Context {
  /** Runs wanted instead of the bench's own number. */
  n: number | undefined
  signal: AbortSignal
  say: (text: string) => void
  /** Folders of real repositories to build, where the caller has some. */
  crate: string | undefined
  node: string | undefined
}

/** What every `test/bench/<name>.bench.ts` exports as its default. */
export interface Bench {
  summary: string
  run: (context: Context) => Promise<Findings>
}

export const series = (name: string, unit: string, values: readonly number[]): Series => ({ name, unit, ...figures(values) })

export const ratio = (of: string, to: string, ofValues: readonly number[], toValues: readonly number[]): Ratio => ({
  of,
  to,
  ...ratios(ofValues, toValues),
})

/** `unit` is written behind both numbers: `ms`, `× BullMQ`. */
export function goal(name: string, limit: { atMost: number } | { atLeast: number }, measured: number, unit: string): Goal {
  const shown = (value: number): string => `${rounded(value).toLocaleString('en')} ${unit}`
  const [wanted, reached] =
    'atMost' in limit
      ? [`≤ ${shown(limit.atMost)}`, measured <= limit.atMost]
      : [`≥ ${shown(limit.atLeast)}`, measured >= limit.atLeast]
  return { name, wanted, measured: shown(measured), reached }
}

/**
 * Runs all variants in turn, `n` times, each round beginning with another one, after `warmUp` rounds that don't count. Gives what each
 * returned, in order: the i-th values were measured one right after the other.
 */
export async function alternate<K extends string>(
  variants: Record<K, () => Promise<number>>,
  n: number,
  { signal, warmUp = 1 }: { signal: AbortSignal; warmUp?: number },
): Promise<Record<K, number[]>> {
  const names = Object.keys(variants) as K[]
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>
  for (let round = -warmUp; round < n; round++) {
    for (let i = 0; i < names.length; i++) {
      signal.throwIfAborted()
      const name = names[(i + round + warmUp) % names.length]!
      const value = await variants[name]()
      if (round >= 0) measured[name].push(value)
    }
  }
  return measured
}

/** How long it takes, ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}
