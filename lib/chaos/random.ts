/** A source of numbers that a seed decides. */
export interface Random {
  /** 0 ≤ x < 1. */
  next: () => number
  /** A whole number from `low` to `high`, both included. */
  whole: (low: number, high: number) => number
  pick: <T>(from: readonly T[]) => T
  shuffle: <T>(list: readonly T[]) => T[]
}

/** mulberry32: small, fast, and the same on every machine. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    whole,
    pick: (from) => from[whole(0, from.length - 1)]!,
    shuffle(list) {
      const result = [...list]
      for (let i = result.length - 1; i > 0; i--) {
        const j = whole(0, i)
        ;[result[i], result[j]] = [result[j]!, result[i]!]
      }
      return result
    },
  }
}
