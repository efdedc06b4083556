import { auditJob } from './audit-job.ts'
import type { Facts } from './facts.ts'

/** What raibid-ci promises, by name. */
export type Invariant =
  | 'lost'
  | 'one-final-state'
  | 'one-result'
  | 'stale-result'
  | 'wrong-result'
  | 'log'
  | 'one-key-one-job'
  | 'count'
  | 'agents'
  | 'left'

export interface Violation {
  invariant: Invariant
  /** The job that it is about; null: the whole. */
  job: string | null
  text: string
  linesLost?: number
}

/** Every promise that the facts show broken. Pure. */
export function audit(facts: Facts): Violation[] {
  return [
    ...facts.jobs.flatMap((job) => auditJob(job, facts.logBound)),
    ...keys(facts),
    ...counts(facts),
    ...agents(facts),
    ...left(facts),
  ]
}

function keys({ acknowledged, jobs }: Facts): Violation[] {
  const known = new Set(jobs.map(({ id }) => id))
  return acknowledged.flatMap(({ plan, ids }): Violation[] => {
    const different = [...new Set(ids)]
    const unseen = different.filter((id) => !known.has(id))
    return [
      ...(different.length > 1
        ? [
            {
              invariant: 'one-key-one-job',
              job: different[0]!,
              text: `one key (${plan.name}) was answered by ${different.join(' and ')}`,
            } as const,
          ]
        : []),
      ...unseen.map(
        (id) => ({ invariant: 'lost', job: id, text: `${plan.name} was acknowledged, and nobody has looked after it` }) as const,
      ),
    ]
  })
}

/** XLEN = runnable + running = the line's members, at every sample. Only deleted records may be between. */
function counts({ samples, jobs }: Facts): Violation[] {
  const deleted = new Set(jobs.filter((job) => job.deleted).map(({ id }) => id))
  const bad = samples.flatMap((sample) => {
    const { withoutEntry, withoutJob, outOfPlace, entries, runnable, running } = sample
    const all = [...withoutEntry, ...withoutJob, ...outOfPlace]
    const wrong = all.filter((id) => !deleted.has(id))
    const sum = entries !== runnable + running && !all.some((id) => deleted.has(id))
    return wrong.length || sum ? [{ sample, wrong: [...new Set(wrong)] }] : []
  })
  const [first] = bad
  if (!first) return []
  const { entries, runnable, running } = first.sample
  const text = `XLEN ${entries}, runnable ${runnable}, running ${running} in ${bad.length} of ${samples.length} samples, first at ${first.sample.at}; ${first.wrong.join(', ') || 'nobody'} stands out`
  return [{ invariant: 'count', job: first.wrong[0] ?? null, text }]
}

function agents({ agents: seen, max }: Facts): Violation[] {
  const most = Math.max(0, ...seen.map((sample) => sample.agents))
  return most > max ? [{ invariant: 'agents', job: null, text: `${most} agents were alive where ${max} may be` }] : []
}

const left = ({ left: things, strangers }: Facts): Violation[] => [
  ...things.map((text): Violation => ({ invariant: 'left', job: null, text: `left at the end: ${text}` })),
  ...strangers.map((id): Violation => ({ invariant: 'left', job: id, text: 'nobody enqueued it' })),
]
