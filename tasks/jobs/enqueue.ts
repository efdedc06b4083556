#!/usr/bin/env node
/** Put one job on the queue. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, printJson } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { loadConfig } from '#lib/config.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'
import { resolveHead, commitDate } from '#lib/jobs/commit.ts'
import { openQueue, type Open } from '#lib/jobs/open.ts'
import { shortId } from '#lib/jobs/show.ts'
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
  const env = pairs(args.env)
  if (args.commit !== undefined && !/^[0-9a-f]{4,64}$/i.test(args.commit))
    throw new UsageError(`--commit: ${JSON.stringify(args.commit.slice(0, 80))} is not a commit id`)
  const values = secretValues(args.secret)
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
    ...{ repo: repo.url, branch: head.branch, commit: verifyCommit(head.commit), pipeline: args.pipeline, pool: args.pool },
    ...{ timeoutMs: args.timeout ?? 0, env, secrets: args.secret },
  }
  const { deduplicated, superseded, ...made } = await producer(open.redis, open.limits, open.pools).enqueue(spec, {
    id,
    supersede: args.supersede,
    commitAt: args.supersede ? await commitDate(repo.url, head.commit, credentials) : 0,
    ...(args.key !== undefined && { key: args.key }),
    ...(args.secret.length && { sealed: await sealed(values, open.config.home, id) }),
  })
  if (args.json) printJson({ id: made.id, deduplicated }, { line: true })
  else print(made.id)
  if (deduplicated) info('the same build is unfinished already: this is its id')
  for (const older of superseded) info(`superseded job ${shortId(older)}`)
  return args.wait ? result(open, made.id, signal) : 0
}

function verified(branch: string): string {
  verifyBranch(branch)
  return branch
}

function pairs(list: string[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const pair of list) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) throw new UsageError(`--env: ${JSON.stringify(pair.slice(0, 80))} is not NAME=value`)
    env[name] = value!
  }
  return env
}

function secretValues(names: string[]): Record<string, string> {
  const missing = names.filter((name) => !process.env[name])
  if (missing.length)
    throw new UsageError(`--secret: ${missing.join(', ')} is not set in this environment; a secret's value is never an argument`)
  return Object.fromEntries(names.map((name) => [name, process.env[name]!]))
}

async function sealed(values: Record<string, string>, home: string, id: string): Promise<string> {
  const { seal, secretKey } = await import('#lib/seal.ts')
  return seal(values, secretKey(home, true), id)
}

async function result(open: Open, id: string, signal: AbortSignal): Promise<number> {
  const { followLog } = await import('#lib/queue/log-reader.ts')
  for await (const entry of followLog(await open.another(), id, { live: true, signal })) {
    if (entry.kind === 'step' && !entry.phase) info(`▸ ${entry.name}`)
  }
  const job = await open.reader.job(id)
  if (signal.aborted) return 130
  if (job?.state === 'success') return (ok(`job ${shortId(id)} success`), 0)
  throw new RaibidError(
    `job ${shortId(id)} ${job?.state ?? 'has been forgotten'}${job?.reason ? `: ${job.reason}` : ''}; its log: just tail ${shortId(id)}`,
  )
}

if (import.meta.main) await main(spec, run)
