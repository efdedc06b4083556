#!/usr/bin/env node
/** Put one job on the queue. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { asInside } from '#lib/cluster-access.ts'
import { loadConfig } from '#lib/config.ts'
import { UsageError } from '#lib/errors.ts'
import { resolveHead, commitDate } from '#lib/jobs/commit.ts'
import { openQueue } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
import { envOf, sealed, secretsOf } from '#lib/jobs/variables.ts'
import { producer } from '#lib/queue/producer.ts'
import { parseRepo, verifyBranch, verifyCommit } from '#lib/repo.ts'
import { ulid } from '#lib/ulid.ts'

export const spec = {
  name: 'enqueue',
  group: 'jobs',
  summary: 'Put one job on the queue',
  positionals: [
    { name: 'repo', description: 'URL (https, ssh, git@host:path) or path of a git repository', required: true },
    { name: 'branch', description: "branch; default: the repository's own" },
  ],
  flags: {
    commit: { type: 'string', description: 'commit to build; default: the head of the branch', placeholder: '<id>' },
    pipeline: {
      type: 'string',
      description: 'pipeline to use; default: what the repository says, or is',
      default: 'auto',
      placeholder: '<name>',
    },
    pool: { type: 'string', description: 'pool whose agents run it', default: 'default', placeholder: '<name>' },
    timeout: { type: 'duration', description: 'bound on the whole build' },
    env: { type: 'list', description: 'variable for the steps; may be repeated', placeholder: '<K=V>' },
    secret: {
      type: 'list',
      description: 'name of an environment variable to pass sealed and to mask in the log; may be repeated',
      placeholder: '<NAME>',
    },
    key: { type: 'string', description: 'idempotency key: the same key always means the same job', placeholder: '<text>' },
    supersede: { type: 'boolean', description: 'cancel waiting jobs of this branch that build an older commit' },
    fork: { type: 'boolean', description: 'somebody from outside wrote it: caches are read and never written, no secrets' },
    wait: { type: 'boolean', description: 'wait for the result; the exit code is that of the build' },
    json: { type: 'boolean', description: 'print { id, deduplicated }' },
  },
  examples: [
    'just enqueue .',
    'just enqueue https://github.com/BurntSushi/walkdir master --wait',
    'just enqueue ~/app main --env LEVEL=2 --secret NPM_TOKEN',
  ],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const repo = parseRepo(args.repo)
  const branch = args.branch === undefined ? undefined : verified(args.branch)
  const env = envOf(args.env)
  if (args.commit !== undefined && !/^[0-9a-f]{4,64}$/i.test(args.commit))
    throw new UsageError(`--commit: ${JSON.stringify(args.commit.slice(0, 80))} is not a commit id`)
  const values = secretsOf(args.secret)
  if (args.fork && args.secret.length)
    throw new UsageError('--fork: what somebody from outside wrote gets no secret; leave out --secret')
  const config = await loadConfig()
  const { credentials } = config.git
  // what checks the job is loaded while git and Redis are asked
  void import('#lib/queue/schema.ts')
  const [open, head] = await Promise.all([
    openQueue(config),
    resolveHead(repo.url, branch, args.commit?.toLowerCase(), credentials),
  ])
  const id = ulid()
  const spec = {
    ...{
      repo: asInside(repo.url, config.cluster),
      branch: head.branch,
      commit: verifyCommit(head.commit),
      pipeline: args.pipeline,
      pool: args.pool,
    },
    ...{ timeoutMs: args.timeout ?? 0, env, secrets: args.secret, ...(args.fork && { fork: true }) },
  }
  const { deduplicated, superseded, ...made } = await producer(open.redis, open.limits, open.pools).enqueue(spec, {
    id,
    supersede: args.supersede,
    commitAt: args.supersede ? await commitDate(repo.url, head.commit, credentials) : 0,
    ...(args.key !== undefined && { key: args.key }),
    ...(args.secret.length && { sealed: await sealed(values, open.config, id) }),
  })
  if (args.json) printJson({ id: made.id, deduplicated }, { line: true })
  else print(made.id)
  if (deduplicated) info('the same build is unfinished already: this is its id')
  for (const older of superseded) info(`superseded job ${shortId(older)}`)
  if (!args.wait) return 0
  const { waitForResult } = await import('#lib/jobs/result.ts')
  return waitForResult(open, made.id, signal)
}

function verified(branch: string): string {
  verifyBranch(branch)
  return branch
}

if (import.meta.main) await main(spec, run)
