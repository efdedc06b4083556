import { jobStates, type Job, type JobSpec, type JobState, type Step } from './types.ts'

type Hash = Record<string, string>

const number = (text: string | undefined): number => Number(text || 0)
const maybe = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text))

function json<T>(text: string | undefined, otherwise: T): T {
  if (!text) return otherwise
  try {
    return JSON.parse(text) as T
  } catch {
    return otherwise
  }
}

/** Flat replies of Redis (field, value, …) as a record. */
export function pairs(flat: readonly string[]): Hash {
  const hash: Hash = {}
  for (let i = 0; i + 1 < flat.length; i += 2) hash[flat[i]!] = flat[i + 1]!
  return hash
}

/** What was cut of a job's log: of single attempts, and of the whole when all logs together needed room. */
function cutOf(hash: Hash): { lines: number; bytes: number } {
  const total = { lines: number(hash['cutLines']), bytes: number(hash['cutBytes']) }
  for (const [field, value] of Object.entries(hash)) {
    if (!field.startsWith('cut:')) continue
    const cut = json(value, { lines: 0, bytes: 0 })
    total.lines += cut.lines
    total.bytes += cut.bytes
  }
  return total
}

function untoldOf(hash: Hash): Pick<Job, 'untold'> {
  const untold = Object.entries(hash).filter(([field]) => field.startsWith('untold:'))
  return untold.length ? { untold: untold.map(([field, why]) => ({ forge: field.slice('untold:'.length), why })) } : {}
}

/** A step that was running when its agent was lost runs no more. */
function stepsOf(hash: Hash, field: 'phases' | 'steps'): Step[] {
  const steps = json<Step[]>(hash[field], [])
  if (hash['state'] === 'running') return steps
  return steps.map((step) => (step.state === 'running' ? { ...step, state: 'failed', reason: 'the agent was lost' } : step))
}

/** What enqueue wrote into the field `spec`: repository and pool have fields of their own, and what is empty is not there. */
type Spec = Partial<Omit<JobSpec, 'repo' | 'pool'> & { sealed: string; about: Record<string, string> }>

/** The same of a job that was enqueued before there was a field `spec`: it may wait, or be remembered, for weeks. */
function earlierSpec({ branch, commit, pipeline, timeoutMs, env, secrets, sealed }: Hash): Spec | null {
  if (branch === undefined || commit === undefined || pipeline === undefined) return null
  const more = { timeoutMs: number(timeoutMs), env: json(env, {}), secrets: json(secrets, []), sealed: sealed ?? '' }
  return { branch, commit, pipeline, ...more }
}

/** A job's hash as a Job; null when there is none, or when it is not one. */
export function parseJob(id: string, hash: Hash): Job | null {
  const spec = hash['spec'] === undefined ? earlierSpec(hash) : json<Spec | null>(hash['spec'], null)
  if (!spec || !hash['repo'] || !jobStates.includes(hash['state'] as JobState)) return null
  const {
    branch = '',
    commit = '',
    pipeline = 'auto',
    timeoutMs = 0,
    env = {},
    secrets = [],
    sealed = '',
    about = {},
    origin,
    fork,
  } = spec
  return {
    id,
    repo: hash['repo'],
    branch,
    commit,
    pipeline,
    pool: hash['pool'] ?? 'default',
    timeoutMs,
    env,
    secrets,
    sealed,
    about,
    ...(origin && { origin }),
    ...(fork && { fork }),
    seq: number(hash['seq']),
    state: hash['state'] as JobState,
    reason: hash['reason'] ?? '',
    attempt: number(hash['attempt']),
    tries: number(hash['tries']),
    agent: hash['agent'] ?? '',
    cancelled: hash['cancelled'] === '1',
    createdAt: number(hash['createdAt']),
    queuedAt: number(hash['queuedAt'] ?? hash['createdAt']),
    startedAt: maybe(hash['startedAt']),
    endedAt: maybe(hash['endedAt']),
    finishedAt: maybe(hash['finishedAt']),
    dueAt: maybe(hash['dueAt']),
    phases: stepsOf(hash, 'phases'),
    steps: stepsOf(hash, 'steps'),
    passed: json(hash['passed'], []),
    exitCode: maybe(hash['exitCode']),
    ...untoldOf(hash),
    logCut: cutOf(hash),
  }
}
