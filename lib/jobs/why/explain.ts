/** One causal line for a job, from facts alone. */
import { formatDuration } from '#lib/duration.ts'
import type { Job, Step } from '#lib/queue/types.ts'
import { shortId } from '../show.ts'
import type { Facts } from './facts.ts'
import { usualMs } from './usual.ts'

const took = formatDuration
const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
const since = (then: number | null, now: number): number => Math.max(0, now - (then ?? now))

/** Why it waits, is slow, or failed: `waiting 4.1s: 2 agents busy (max 2); next free: …7QK2 in about 40s`. */
export function explain(job: Job, facts: Facts): string {
  switch (job.state) {
    case 'held':
      return `held for ${took(since(job.createdAt, facts.now))}: ${job.reason || 'it waits for somebody to let it run'}`
    case 'pending':
      return `waiting ${took(since(job.queuedAt, facts.now))}: ${[...whyNoAgent(job, facts), ...again(job)].join('; ')}`
    case 'delayed':
      return `delayed: ${job.reason}; it runs again in ${took(since(facts.now, job.dueAt ?? facts.now))}`
    case 'running':
      return `running for ${took(since(job.startedAt, facts.now))}: ${whereItIs(job, facts)}; ${queued(job)}`
    case 'success':
      return `success in ${took(since(job.startedAt, job.endedAt ?? facts.now))}${slowness(job, facts)}; ${queued(job)}`
    case 'failed':
      return `failed after ${took(since(job.startedAt, job.endedAt ?? facts.now))}: ${[job.reason, ...facts.errors.map((line) => line.trim())].join(' | ')}`
    case 'dead':
      return `given up after ${plural(job.tries, 'lost agent')}: ${job.reason}; run it again with: just retry ${shortId(job.id)}`
    case 'cancelled':
      return `cancelled${job.startedAt === null ? ' before it ran' : ` after ${took(since(job.startedAt, job.endedAt ?? facts.now))}`}: ${job.reason}`
  }
}

const again = (job: Job): string[] => (job.attempt > 0 && job.reason ? [`it runs again, for: ${job.reason}`] : [])

function whyNoAgent({ pool }: Job, { before, running, pool: { max, paused, trouble, down }, earlier, now }: Facts): string[] {
  if (down) return ['no pool runs on this machine; start it with: just up']
  if (paused !== null)
    return [`the pool ${pool} is paused${paused ? ` (${paused})` : ''}; let it go on with: just resume ${pool}`]
  const line = before ? [`${plural(before, 'job')} before it`] : []
  if (max !== null && running.length >= max) {
    const busy = `${plural(running.length, 'agent')} busy (max ${max})`
    return [busy, ...line, ...nextFree(running, earlier, now)]
  }
  if (trouble) return [trouble]
  return [max === null ? `${plural(running.length, 'agent')} busy` : 'an agent is being started', ...line]
}

/** Which of them ends first, where their repositories have been built before. */
function nextFree(running: Job[], earlier: Job[], now: number): string[] {
  const ends = running.flatMap((job) => {
    const usual = usualMs(
      job,
      earlier.filter(({ repo }) => repo === job.repo),
    )
    return usual === null || job.startedAt === null ? [] : { id: job.id, in: job.startedAt + usual - now }
  })
  const [first] = ends.sort((a, b) => a.in - b.in)
  if (!first) return ['nothing is known of how long they take']
  return [
    `next free: …${first.id.slice(-4)} ${first.in > 0 ? `in about ${took(first.in)}` : 'any moment (it is over its usual time)'}`,
  ]
}

function whereItIs(job: Job, facts: Facts): string {
  const all = [...job.phases, ...job.steps]
  const step = all.find((one) => one.state === 'running')
  if (!step) return 'between two steps'
  const done = all.reduce((sum, one) => sum + (one.durationMs ?? 0), 0)
  const usual = usualMs(job, facts.earlier, step.name)
  const here = since((job.startedAt ?? facts.now) + done, facts.now)
  return `${step.name} for about ${took(here)}${usual === null ? '' : ` (usually ${took(usual)})`}`
}

/** From the queue to the first command: `queued 6.2s = until an agent began 6.0s + its start 0.2s`. */
function queued(job: Job): string {
  if (job.startedAt === null) return 'not begun'
  const all = since(job.queuedAt, job.startedAt)
  const born = job.phases.find((phase) => phase.bornAt !== undefined)?.bornAt
  if (born === undefined || born > job.startedAt || all < 50) return `queued ${took(all)}`
  if (born <= job.queuedAt) return `queued ${took(all)}, for an agent that was there`
  return `queued ${took(all)} = until an agent was started ${took(born - job.queuedAt)} + its start ${took(job.startedAt - born)}`
}

/** What took longer than usual, when the whole did: half as long again, and by more than a second. */
function slowness(job: Job, { earlier }: Facts): string {
  const whole = usualMs(job, earlier)
  const own = since(job.startedAt, job.endedAt ?? job.startedAt ?? 0)
  if (whole === null) return ''
  if (own < whole * 1.5 || own - whole < 1000) return ` (usually ${took(whole)})`
  const slower = [...job.phases, ...job.steps].flatMap((step) => {
    const usual = usualMs(job, earlier, step.name)
    return usual === null || step.durationMs === null ? [] : { step, usual, by: step.durationMs - usual }
  })
  const worst = slower.sort((a, b) => b.by - a.by)[0]
  const where =
    worst && worst.by > 0 ? `: ${worst.step.name} ${took(worst.step.durationMs!)} instead of ${took(worst.usual)}` : ''
  return `, ${(own / whole).toFixed(1)} × the usual ${took(whole)}${where}${missed(job)}`
}

function missed({ phases }: Job): string {
  const cold = phases
    .flatMap((phase: Step) => phase.cache ?? [])
    .filter(({ outcome }) => outcome === 'miss' || outcome === 'near')
  return cold.map(({ paths, outcome, reason }) => `; cache of ${paths.join(', ')}: ${reason ?? outcome}`).join('')
}
