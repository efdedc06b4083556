/** Agents in a row that may end without taking a job, by their own fault, before their pool is paused. */
export const patience = 3

/** Counts, for each pool, the agents in a row that ended by their own fault before they took a job. */
export function failureCount() {
  const rows = new Map<string, string[]>()
  return {
    /** An agent ended: its own fault and no job taken, or anything else. Gives the sentence that pauses the pool, once per row. */
    ended(pool: string, agent: string, faultOf: string | null): string | null {
      if (faultOf === null) {
        rows.delete(pool)
        return null
      }
      const row = rows.get(pool) ?? []
      row.push(`${agent}: ${faultOf.replace(/^agent lost: /, '')}`)
      rows.set(pool, row)
      if (row.length < patience) return null
      rows.delete(pool)
      return `needs a human: ${patience} agents in a row ended without taking a job; the last was ${row.at(-1)}`
    },
    forget: (pool: string) => void rows.delete(pool),
  }
}
