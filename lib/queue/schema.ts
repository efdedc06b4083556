import { z } from 'zod/mini'
import { UsageError } from '#lib/errors.ts'
import type { JobSpec } from './types.ts'

/** Bounds of what one job may carry: outside input ends here. */
const text = (max: number) =>
  z.string().check(z.maxLength(max), z.regex(/^[^\u0000-\u001f\u007f]*$/, 'control characters are not allowed'))
const name = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

export const jobSpec = z.strictObject({
  repo: text(1024).check(z.minLength(1)),
  branch: text(255).check(z.regex(/^(?!-)/, 'must not begin with "-"')),
  commit: z.string().check(z.regex(/^([0-9a-f]{40}|[0-9a-f]{64})?$/, 'must be a full commit id')),
  pipeline: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be a pipeline name')),
  pool: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be a pool name')),
  timeoutMs: z.int().check(z.nonnegative(), z.maximum(24 * 86_400_000)),
  env: z.record(
    z.string().check(z.regex(name, 'must be a variable name'), z.regex(/^(?!RAIBID_)/, 'RAIBID_… is ours')),
    z.string().check(z.maxLength(32_768), z.regex(/^[^\u0000]*$/, 'must not hold a NUL')),
  ),
  secrets: z.array(z.string().check(z.regex(name, 'must be a variable name'))).check(z.maxLength(100)),
  origin: z.optional(text(1024)),
  fork: z.optional(z.boolean()),
})

/** The spec as it is stored, or UsageError that names every field that is wrong. */
export function parseSpec(input: JobSpec): JobSpec {
  const result = z.safeParse(jobSpec, input)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join('.') || 'job'}: ${issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message}`,
  )
  throw new UsageError(`this job can't be enqueued: ${problems.join('; ')}`)
}
