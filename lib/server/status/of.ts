import { safe } from '#lib/cli/untrusted.ts'
import type { CommitStatus } from '#lib/forge/types.ts'
import type { Job } from '#lib/queue/types.ts'

const states = {
  held: 'pending',
  pending: 'pending',
  delayed: 'pending',
  running: 'pending',
  success: 'success',
  failed: 'failure',
  cancelled: 'error',
  dead: 'error',
} as const

/** What a commit's status says of its job. Made of the job's state, attempt and reason, and of nothing else that may change. */
export function statusOf(job: Job, publicUrl: string | null): CommitStatus {
  return {
    state: states[job.state],
    context: `raibid-ci/${job.pipeline}`,
    description: shortened(safe(inWords(job))),
    ...(publicUrl && { targetUrl: `${publicUrl}/jobs/${job.id}` }),
  }
}

function inWords({ state, reason, attempt, startedAt, finishedAt }: Job): string {
  switch (state) {
    case 'held':
      return reason ? `waits: ${reason}` : 'waits'
    case 'pending':
      return attempt && reason ? `waits to run again: ${reason}` : 'waits for an agent'
    case 'delayed':
      return `runs again soon: ${reason}`
    case 'running':
      return attempt > 1 ? `runs, attempt ${attempt}` : 'runs'
    case 'success':
      return startedAt && finishedAt ? `passed in ${lasted(finishedAt - startedAt)}` : 'passed'
    case 'failed':
      return reason || 'failed'
    case 'cancelled':
      return /^(cancelled|superseded)/.test(reason) ? reason : `cancelled: ${reason}`
    case 'dead':
      return `given up: ${reason}`
  }
}

function lasted(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** GitHub refuses more than 140 characters. */
const shortened = (text: string): string => (text.length <= 140 ? text : `${text.slice(0, 139).replace(/[\ud800-\udbff]$/, '')}…`)
