import type { Job } from '#lib/queue/types.ts'

/** How long earlier builds of the same pipeline took, or one step of theirs: their median, ms; null when there is none. */
export function usualMs(job: Job, earlier: Job[], step?: string): number | null {
  const same = earlier.filter((one) => one.repo === job.repo && one.pipeline === job.pipeline && one.state === 'success')
  const times = same.flatMap((one) => {
    if (step === undefined) return one.startedAt === null || one.endedAt === null ? [] : one.endedAt - one.startedAt
    return [...one.phases, ...one.steps].find(({ name, state }) => name === step && state === 'success')?.durationMs ?? []
  })
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? null
}
