import { resolveHead } from '#lib/jobs/commit.ts'
import { publicJob } from '#lib/jobs/show.ts'
import { passedSteps } from '#lib/jobs/passed-steps.ts'
import { explain } from '#lib/jobs/why/explain.ts'
import { factsOf } from '#lib/jobs/why/facts.ts'
import { pageOf } from '#lib/queue/pages.ts'
import type { Job } from '#lib/queue/types.ts'
import { parseRepo, verifyBranch, verifyCommit } from '#lib/repo.ts'
import * as z from 'zod/mini'
import { Refused } from '../http/problem.ts'
import { route, type Api } from './define.ts'
import { changed, job, jobList, jobName, listQuery, made, newJob, whyView } from './schemas.ts'

/** The one job that a name stands for. Refused (404, 409) otherwise. */
export async function jobNamed({ reader }: Pick<Api, 'reader'>, name: string): Promise<Job> {
  const [id, ...more] = await reader.resolve(name)
  if (!id) throw new Refused(404, `there is no job ${name}`)
  if (more.length) throw new Refused(409, `${name} could be any of ${[id, ...more].join(', ')}; give more of it`)
  const found = await reader.job(id)
  if (!found) throw new Refused(404, `job ${id} has been forgotten`)
  return found
}

export const jobRoutes = [
  route({
    ...{ method: 'get', path: '/jobs', role: 'read', summary: 'Jobs, the newest first, a page at a time' },
    ...{ query: listQuery, answer: jobList },
    run: async ({ api, query }) => {
      const { jobs, next } = await pageOf(api.redis, query)
      return { jobs: jobs.map(publicJob), next }
    },
  }),
  route({
    ...{ method: 'post', path: '/jobs', role: 'run', status: 201, summary: 'Put a job on the queue' },
    ...{ body: newJob, answer: made },
    run: async ({ api, body }) => {
      const { branch, commit, key, supersede = false, ...spec } = body
      const repo = parseRepo(spec.repo)
      // a path would be one of the machine that serve runs on
      if (repo.kind === 'path') throw new Refused(400, 'repo: a URL is needed; a folder can be built on its own machine only')
      const head = await resolveHead(
        repo.url,
        branch && verifyBranch(branch),
        commit && verifyCommit(commit),
        api.config.git.credentials,
      )
      const whole = {
        ...{ pipeline: 'auto', pool: 'default', timeoutMs: 0, env: {}, secrets: [] },
        ...spec,
        ...{ repo: repo.url, branch: head.branch, commit: verifyCommit(head.commit) },
      }
      return api.jobs.enqueue(whole, { supersede, report: true, ...(key !== undefined && { key }) })
    },
  }),
  route({
    ...{ method: 'get', path: '/jobs/{id}', role: 'read', summary: 'One job' },
    ...{ params: jobName, answer: job },
    run: async ({ api, params }) => publicJob(await jobNamed(api, params.id)),
  }),
  route({
    ...{ method: 'get', path: '/jobs/{id}/why', role: 'read', summary: 'Why it waits, is slow, or failed, in one line' },
    ...{ params: jobName, answer: whyView },
    run: async ({ api, params }) => {
      const found = await jobNamed(api, params.id)
      return { id: found.id, state: found.state, why: explain(found, await factsOf(api, found)) }
    },
  }),
  route({
    ...{ method: 'post', path: '/jobs/{id}/cancel', role: 'run', summary: 'End a job that waits or runs' },
    ...{ params: jobName, answer: changed },
    run: async ({ api, params }) => {
      const { id } = await jobNamed(api, params.id)
      return { id, ...(await api.jobs.cancel(id, 'cancelled')) }
    },
  }),
  route({
    ...{ method: 'post', path: '/jobs/{id}/retry', role: 'run', summary: 'Run a finished job again' },
    ...{ params: jobName, query: z.strictObject({ failedOnly: z.optional(z.enum(['true', 'false'])) }), answer: changed },
    run: async ({ api, params, query }) => {
      const found = await jobNamed(api, params.id)
      const { before, done } = await api.jobs.retry(found.id, undefined, query.failedOnly === 'true' ? passedSteps(found) : [])
      if (!done) throw new Refused(409, `job ${found.id} is ${before}: only a finished job can be retried`)
      return { id: found.id, before, after: 'pending' }
    },
  }),
  route({
    ...{ method: 'post', path: '/jobs/{id}/approve', role: 'admin', summary: 'Let a held job run' },
    ...{ params: jobName, answer: changed },
    run: async ({ api, params }) => {
      const { id, state } = await jobNamed(api, params.id)
      const after = await api.jobs.admit(id)
      if (state !== 'held') throw new Refused(409, `job ${id} is ${state}: only a held job can be approved`)
      return { id, before: state, after }
    },
  }),
]
