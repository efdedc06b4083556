/** What `serve` has done since it started, for /metrics. */
export const counterNames = {
  /** Jobs given back because their agent's pod ended. */
  released: 'raibid_podwatch_released_total',
  /** Agents ended because they were stuck or hung. */
  ended: 'raibid_podwatch_ended_total',
  /** Pools paused because their agents failed in a row. */
  paused: 'raibid_podwatch_paused_total',
  /** Finished Jobs deleted. */
  tidied: 'raibid_podwatch_tidied_total',
  /** Times that work waited and nothing was created. */
  stalled: 'raibid_backstop_stalled_total',
  /** Jobs created in KEDA's place. */
  created: 'raibid_backstop_created_total',
} as const

export type CounterName = keyof typeof counterNames

export function counters() {
  const values = Object.fromEntries(Object.keys(counterNames).map((name) => [name, 0])) as Record<CounterName, number>
  return { values, count: (name: CounterName, by = 1): void => void (values[name] += by) }
}

export type Counters = ReturnType<typeof counters>
