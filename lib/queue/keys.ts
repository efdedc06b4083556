/** Every Redis key of the protocol. The scripts under lua/ write these names too; a test compares them, README.md and this file. */
const named = (base: string, pool: string): string => (pool === 'default' ? base : `${base}:${pool}`)

export const keys = {
  /** zset: what waits, is delayed or runs, by *claimable at*. */
  due: (pool: string) => named('ci-due', pool),
  /** stream: one entry per job runnable or running; group `ci-workers`. */
  stream: (pool: string) => named('ci-jobs', pool),
  /** zset: what waits for something other than an agent. */
  held: 'ci-held',
  /** string: the counter that gives places in the line. */
  seq: 'ci-seq',
  /** hash: when a script last ran, and until when no lease ends. */
  clock: 'ci-clock',
  /** hash: agent → JSON { job, token, pool, beat, attempt }. */
  agents: 'ci-agents',
  /** hash: the job. */
  job: (id: string) => `job:${id}`,
  /** stream: its log, ids `<attempt>-<seq>`. */
  log: (id: string) => `job:${id}:log`,
  /** zset by time: all jobs. */
  jobs: 'jobs',
  /** zset by time: the jobs of one repository, whether it was named with `.git` or without. */
  repo: (repo: string) => `jobs:repo:${repo.replace(/\.git$/, '')}`,
  /** zset by time: the jobs that ended so. */
  state: (state: string) => `jobs:state:${state}`,
  /** zset by letter: ids backwards, to find a job by the tail of its id. */
  tail: 'jobs:tail',
  /**
   * hash: key → id of the unfinished jobs of one repository, branch and pipeline (a digest): repeats and superseding look here. (Earlier
   * versions had a set `ci-open:<group>`, which may still be there.)
   */
  open: (group: string) => `ci-unfinished:${group}`,
  /** string: a caller's own idempotency key → id. */
  key: (key: string) => `ci-key:${key}`,
  /** zset: jobs whose state the forge has not been told. */
  status: 'ci-status',
  /** zset: what to forget when. */
  expire: 'ci-expire',
  /** zset: jobs given up. */
  dead: 'ci-dead',
  /** string: bytes of all logs. */
  logBytes: 'ci-log-bytes',
  /** string: a forge's delivery → the job that it became, for a week. */
  delivery: (delivery: string) => `ci-delivery:${delivery}`,
  /** hash: clone URL → JSON { url, forge, name, defaultBranch }: repositories that have pushed to us. */
  repos: 'ci-repos',
  /** hash: branch → the commit at which it was seen last; a digest of the repository's URL. */
  heads: (repo: string) => `ci-heads:${repo}`,
  /** zset by time: mirrors that a forge has yet to fetch anew. */
  mirrorSyncs: 'ci-mirror-syncs',
  /** hash: digest of a schedule of raibid.yaml → up to when it has been dealt with, ms. */
  schedules: 'ci-schedules',
  /** string: who mirrors into a Gitea just now (a digest of its address); gone when that isn't told again. */
  mirrorLease: (gitea: string) => `ci-mirror-lease:${gitea}`,
  /** hash: SHA-256 of an API token → JSON { id, name, role, createdAt }. */
  tokens: 'ci-tokens',
  /** string: since when this queue is, ms; written at first sight by who sweeps the artifacts, and read by nobody else. */
  since: 'ci-since',
  /** string: written by whoever asks whether writes are taken. */
  ready: 'ci-ready',
  /** capped stream: every change of state. */
  events: 'ci-events',
  /** hash: pool → JSON { text, at }: why a pool does not do what it should. */
  poolNotes: 'ci-pool-notes',
  /** channel: tells the agent of one job at once that it is cancelled. */
  cancel: (id: string) => `ci-cancel:${id}`,
} as const

/** The consumer group of every stream: an operator's view, no decision reads it. */
export const group = 'ci-workers'
