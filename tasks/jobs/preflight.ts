#!/usr/bin/env node
/** Build the working tree as it is, before it is committed or pushed. */
import { join } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { fail, info } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { exitCodes, files } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { follow } from '#lib/jobs/follow.ts'
import { openQueue } from '#lib/jobs/open.ts'
import { envOf, sealed, secretsOf } from '#lib/jobs/variables.ts'
import { removeOld } from '#lib/preflight/old.ts'
import { snapshot } from '#lib/preflight/snapshot.ts'
import { producer } from '#lib/queue/producer.ts'
import { ulid } from '#lib/ulid.ts'

export const spec = {
  name: 'preflight',
  group: 'jobs',
  summary: 'Build the working tree as it is, before it is committed or pushed',
  positionals: [{ name: 'path', description: 'a folder in a git working tree; default: where you are' }],
  flags: {
    pipeline: { type: 'string', description: 'pipeline to use', default: 'auto', placeholder: '<name>' },
    pool: { type: 'string', description: 'pool whose agents run it', default: 'default', placeholder: '<name>' },
    timeout: { type: 'duration', description: 'bound on the whole build' },
    env: { type: 'list', description: 'variable for the steps; may be repeated', placeholder: '<K=V>' },
    secret: {
      type: 'list',
      description: 'name of an environment variable to pass sealed; may be repeated',
      placeholder: '<NAME>',
    },
    json: { type: 'boolean', description: 'one JSON document a line, as tail prints them' },
  },
  examples: ['just preflight', 'just preflight ~/app --secret NPM_TOKEN'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const env = envOf(args.env)
  const values = secretsOf(args.secret)
  const config = await loadConfig()
  if (config.redisGiven || config.cluster)
    throw new UsageError('the agents of another machine don’t see this folder: preflight needs the local pool (just up)')
  const id = ulid()
  const folder = join(config.home, files.preflights)
  const [open, made] = await Promise.all([openQueue(config), snapshot(args.path ?? '.', join(folder, id))])
  await removeOld(folder)
  const jobs = producer(open.redis, open.limits, open.pools)
  const { repo, branch, commit, origin, changed } = made
  const job = {
    ...{ repo, branch, commit, origin, pipeline: args.pipeline, pool: args.pool },
    ...{ timeoutMs: args.timeout ?? 0, env, secrets: args.secret },
  }
  await jobs.enqueue(job, { id, ...(args.secret.length && { sealed: await sealed(values, config, id) }) })
  info(`job ${id}: ${branch} as it is here, ${changed} ${changed === 1 ? 'file differs' : 'files differ'} from the last commit`)
  const code = await follow(open, id, { signal, json: args.json })
  if (!signal.aborted) return code
  // whoever stops it does not want it to go on unseen
  const { after } = await jobs.cancel(id, 'preflight interrupted')
  fail(`job ${id} is ${after}`)
  return exitCodes.interrupted
}

if (import.meta.main) await main(spec, run)
