import { iso } from '#lib/cli/time.ts'
import type { Job, JobState } from '#lib/queue/types.ts'

/** A job as `--json` prints it: times in ISO 8601, nothing secret. */
export function publicJob(job: Job) {
  const {
    id,
    repo,
    branch,
    commit,
    pipeline,
    pool,
    state,
    reason,
    attempt,
    tries,
    agent,
    phases,
    steps,
    exitCode,
    env,
    secrets,
    origin,
    fork,
    logCut,
    about,
  } = job
  return {
    ...{ id, repo, branch, commit, pipeline, pool, state, reason, attempt, tries, agent },
    createdAt: iso(job.createdAt),
    queuedAt: iso(job.queuedAt),
    startedAt: iso(job.startedAt),
    finishedAt: iso(job.finishedAt),
    dueAt: iso(job.dueAt),
    ...{
      exitCode,
      phases,
      steps,
      env,
      secrets,
      ...(origin && { origin }),
      ...(fork && { fork }),
      logCut,
      ...(Object.keys(about).length && { about }),
    },
  }
}

/** The letters people type: the tail of an id. */
export const shortId = (id: string): string => id.slice(-6)

/** The last part of a repository's URL or path, with its owner where it has one. */
export function shortRepo(repo: string): string {
  const parts = repo
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .filter(Boolean)
  return (repo.startsWith('/') ? parts.slice(-1) : parts.slice(-2)).join('/')
}

/** How long the last attempt took, or has taken so far, ms; null before it began. */
export const duration = (job: Job, now = Date.now()): number | null =>
  job.startedAt === null ? null : Math.max(0, (job.endedAt ?? now) - job.startedAt)

const colours: Record<JobState, 'green' | 'red' | 'yellow' | 'cyan' | 'gray' | 'magenta'> = {
  success: 'green',
  failed: 'red',
  dead: 'red',
  cancelled: 'gray',
  running: 'cyan',
  pending: 'yellow',
  delayed: 'yellow',
  held: 'magenta',
}
export const colourOf = (state: JobState): (typeof colours)[JobState] => colours[state]
