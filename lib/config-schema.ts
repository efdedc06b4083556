import { resolve } from 'node:path'
import { z } from 'zod'
import { artifactsProblem, notifyForm } from './config-env.ts'
import { forges } from './config-forge-schema.ts'
import { holdsItsCores, podShape } from './config-pool-schema.ts'
import { duration, size, webUrl } from './config-values.ts'
import { parseRegistry } from './registry/name.ts'
import { repositories, serveShape } from './config-serve-schema.ts'

/** The schema of `raibid.yaml`. Descriptions and defaults become the README's table. zod is slow to load: import this lazily. */

const count = (min: number) => z.int().min(min, `is less than ${min}`)

const pool = z
  .strictObject({
    max: count(1).optional().describe('How many agents may run at once (default: the number of cores)'),
    warm: count(0).optional().describe('How many of them wait for work instead of starting when there is some (default: 0)'),
    ...podShape,
  })
  .refine(({ max, warm }) => max === undefined || warm === undefined || warm <= max, {
    path: ['warm'],
    message: 'is more than max',
  })
  .refine(holdsItsCores, { path: ['cpuLimit'], message: 'is less than cpu' })

export const poolName = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/

export const configSchema = z.strictObject({
  redisUrl: z
    .string()
    .regex(/^rediss?:\/\/[^\s]+$/, 'is not a URL such as redis://host:6379')
    .optional()
    .describe('Redis of the queue (default: the running local pool’s)'),
  pools: z
    .record(z.string().regex(poolName, 'is not a pool name (a-z, 0-9 and -)'), pool)
    .optional()
    .describe('The pools of agents by name; `default` always exists'),
  artifacts: z
    .string()
    .refine((place) => !/^[a-z]+:\/\//i.test(place) || !artifactsProblem(place), 'is not a URL such as https://git.example/owner')
    .transform((place) => (/^[a-z]+:\/\//i.test(place) ? place : resolve(import.meta.dirname, '..', place)))
    .optional()
    .describe(
      'Where artifacts are kept: a folder, or a Gitea’s packages by `https://<gitea>/<owner>` (default: `artifacts` in RAIBID_HOME)',
    ),
  registry: z
    .string()
    .refine((text) => parseRegistry(text) !== null, 'is not a registry such as registry.example:5000 or http://127.0.0.1:5000')
    .transform((text) => parseRegistry(text)!)
    .optional()
    .describe(
      'Where images of Dockerfiles are pushed: `host[:port]`, or `http://host[:port]` for one without TLS (default: nowhere)',
    ),
  jobTimeout: duration
    .optional()
    .describe('Time that a job may take when neither it nor its repository says otherwise (default: 60m)'),
  agent: z
    .strictObject({
      maxJobs: count(1).optional().describe('How many jobs one agent takes before it leaves (default: 1)'),
      idle: duration.optional().describe('How long an agent waits for work before it leaves (default: 30s)'),
      passEnv: z
        .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable'))
        .optional()
        .describe('Environment variables that steps may see, besides the usual ones'),
    })
    .optional(),
  serve: serveShape,
  repositories,
  cache: z
    .strictObject({
      maxAge: duration.optional().describe('How long a build cache is kept after its last use (default: 7d)'),
      maxSize: size.optional().describe('What all build caches may take; one alone a fifth of it (default: 50GiB)'),
      minFree: size.optional().describe('Free disk that they leave (default: a tenth of the disk, at most 10 GB)'),
    })
    .optional(),
  mirrors: z
    .strictObject({
      parallel: count(1).optional().describe('How many clones Gitea does for us at once (default: 8)'),
      perHost: count(1).optional().describe('How many of them from one host (default: 4)'),
      disk: z
        .string()
        .min(1, 'is empty')
        .transform((folder) => resolve(import.meta.dirname, '..', folder))
        .optional()
        .describe('A folder on Gitea’s disk, where that is one of this machine: then `minFree` holds, else `maxBytes`'),
      minFree: size.optional().describe('Free disk that mirrors leave (default: a tenth of the disk, at most 10 GB)'),
      maxBytes: size.optional().describe('What one run clones at most, as the sources’ forges count (default: 100GiB)'),
    })
    .optional(),
  log: z
    .strictObject({
      perJob: size.optional().describe('What is kept of one job’s log, head and tail (default: 16MiB)'),
      total: size.optional().describe('What is kept of all logs (default: 512MiB)'),
    })
    .optional(),
  forges: forges.optional(),
  notify: z
    .strictObject({
      webhook: z
        .string()
        .max(1024, 'is longer than 1024 characters')
        .regex(notifyForm, 'is not an address such as https://hooks.example/abc')
        .optional()
        .describe('Where `just reconcile` posts what needs a person, as JSON (default: nowhere)'),
    })
    .optional(),
  publicUrl: webUrl
    .optional()
    .describe('Address under which a browser finds the pages: what commit statuses link to (default: no link)'),
})

export type ConfigFile = z.infer<typeof configSchema>
