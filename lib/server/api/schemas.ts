/** The shapes of the API: they validate what comes, and are what /api/v1/openapi.json documents. */
import * as z from 'zod/mini'
import { isCursor } from '#lib/queue/pages.ts'
import { jobStates } from '#lib/queue/types.ts'

const text = (max: number) => z.string().check(z.maxLength(max))
const time = z.nullable(z.string())
const whole = (min: number, max: number) =>
  z.pipe(
    z.string().check(z.regex(/^\d{1,9}$/, 'is not a number')),
    z.pipe(z.transform(Number), z.number().check(z.gte(min), z.lte(max))),
  )

export const jobName = z.object({
  id: text(40).check(
    z.regex(/^(@latest|@failed|[0-9A-Za-z]{4,26})$/, 'is not the id of a job, a tail of it, @latest or @failed'),
  ),
})

export const artifactName = z.object({ ...jobName.shape, index: text(4).check(z.regex(/^\d+$/, 'is not a number')) })

const step = z.looseObject({
  name: z.string(),
  state: z.enum(['running', 'success', 'failed', 'skipped', 'cancelled']),
  exitCode: z.nullable(z.number()),
  durationMs: z.nullable(z.number()),
  reason: z.optional(z.string()),
})

export const job = z.looseObject({
  id: z.string(),
  repo: z.string(),
  branch: z.string(),
  commit: z.string(),
  pipeline: z.string(),
  pool: z.string(),
  state: z.enum(jobStates),
  reason: z.string(),
  attempt: z.number(),
  tries: z.number(),
  agent: z.string(),
  createdAt: time,
  queuedAt: time,
  startedAt: time,
  finishedAt: time,
  dueAt: time,
  exitCode: z.nullable(z.number()),
  phases: z.array(step),
  steps: z.array(step),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  logCut: z.object({ lines: z.number(), bytes: z.number() }),
})

export const jobList = z.object({ jobs: z.array(job), next: z.nullable(z.string()) })

export const listQuery = z.strictObject({
  state: z.optional(z.enum(jobStates)),
  repo: z.optional(text(1024)),
  branch: z.optional(text(255)),
  cursor: z.optional(z.string().check(z.refine(isCursor, 'is not a cursor of an earlier page'))),
  limit: z._default(whole(1, 100), 20),
})

export const newJob = z.strictObject({
  repo: text(1024),
  branch: z.optional(text(255)),
  commit: z.optional(text(64)),
  pipeline: z.optional(text(64)),
  pool: z.optional(text(40)),
  timeoutMs: z.optional(z.int()),
  env: z.optional(z.record(z.string(), z.string())),
  fork: z.optional(z.boolean()),
  key: z.optional(text(255)),
  supersede: z.optional(z.boolean()),
})

export const made = z.object({ id: z.string(), deduplicated: z.boolean(), superseded: z.array(z.string()) })
export const changed = z.object({ id: z.string(), before: z.string(), after: z.string() })

export const logQuery = z.strictObject({
  format: z._default(z.enum(['text', 'json', 'sse']), 'text'),
  after: z.optional(z.string().check(z.regex(/^\d{1,15}-\d{1,20}$/, 'is not the id of an entry'))),
})

export const queueView = z.object({
  pools: z.array(
    z.object({
      pool: z.string(),
      entries: z.number(),
      pending: z.number(),
      running: z.number(),
      delayed: z.number(),
      note: z.nullable(z.string()),
    }),
  ),
  held: z.number(),
  dead: z.number(),
})

export const agentsView = z.object({
  agents: z.array(z.object({ agent: z.string(), pool: z.string(), job: z.nullable(z.string()), beatAt: time })),
})

export const whyView = z.object({ id: z.string(), state: z.string(), why: z.string() })

export const artifactList = z.object({
  job: z.string(),
  attempt: z.number(),
  /** Why there are fewer than the build meant, or none any more. */
  note: z.nullable(z.string()),
  artifacts: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string(), executable: z.optional(z.boolean()) })),
})
