#!/usr/bin/env node
/** Show it all in a minute, in a pool of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import colours from 'picocolors'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info, ok, print, step, wantsColour, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { table } from '#lib/cli/table.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { loadConfig } from '#lib/config.ts'
import { has } from '#lib/demo/has.ts'
import { demoJobs, makeRepository, type DemoJob } from '#lib/demo/repositories.ts'
import { formatDuration } from '#lib/duration.ts'
import { RaibidError } from '#lib/errors.ts'
import { resolveHead } from '#lib/jobs/commit.ts'
import { linePrefixer } from '#lib/jobs/prefix-lines.ts'
import { logPrinter } from '#lib/jobs/print-log.ts'
import { shortId } from '#lib/jobs/show.ts'
import { startPool } from '#lib/pool/pool.ts'
import { notedAgents } from '#lib/pool/state.ts'
import { connectTask } from '#lib/queue/connect.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { producer } from '#lib/queue/producer.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import type { Job } from '#lib/queue/types.ts'

export const spec = {
  name: 'demo',
  group: 'pool',
  summary: 'Show it all in a minute, in a pool of its own',
  flags: { keep: { type: 'boolean', description: 'leave the folder with its Redis and its log behind' } },
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'raibid-demo-'))
  const config = {
    ...(await loadConfig()),
    home: join(folder, 'home'),
    redisUrl: null,
    redisGiven: false,
    cluster: null,
    pools: { default: { max: 2, warm: 0 } },
  }
  const story: string[] = []
  const pool = await startPool({ config, say: (text) => void story.push(text) })
  const stop = (): void => pool.stop('now')
  signal.addEventListener('abort', stop)
  try {
    step(`a pool of two agents, with a Redis of its own, in ${folder}`)
    const able = demoJobs(config.root).filter((job) => possible(job))
    const done = await Promise.all(able.map((job, place) => show(job, place)))
    if (signal.aborted) throw signal.reason
    print(`\n${results(done)}`)
    const wrong = done.filter(({ job, as }) => job.state !== as.expected.state || job.attempt !== as.expected.attempts)
    if (wrong.length)
      throw new RaibidError(`not as it should be: ${wrong.map(({ as }) => as.name).join(', ')}\n${story.join('\n')}`)
    ok('all ended as they should: "failing" is a build that fails, and the agent of "killed" was killed on its way')
    return 0
  } finally {
    signal.removeEventListener('abort', stop)
    pool.stop('now')
    await pool.stopped
    if (args.keep) info(`left behind: ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }

  /** Makes the repository, puts its job on the queue and shows its log, each line under the job's name. */
  async function show(as: DemoJob, place: number): Promise<{ as: DemoJob; job: Job }> {
    const repo = join(folder, as.name)
    await makeRepository(repo, as.from)
    const redis = await connectTask(pool.redisUrl)
    const head = await resolveHead(repo, undefined, undefined, [])
    const build = { repo, ...head, pipeline: 'auto', pool: 'default', timeoutMs: 120_000, env: {}, secrets: [] }
    const { id } = await producer(redis).enqueue(build)
    const { out, story: tell } = linePrefixer(name(as.name, place), (line) => print(line))
    const show = logPrinter({ out, story: tell })
    tell(`enqueued as ${shortId(id)}`)
    let killed = false
    for await (const entry of followLog(redis, id, { live: true, signal })) {
      show(entry)
      if (!as.killAt || killed || entry.kind !== 'out' || !entry.text.includes(as.killAt)) continue
      killed = true
      const { agent } = (await readerOf(await connectTask(pool.redisUrl)).job(id))!
      const victim = notedAgents(config.home).find((note) => note.name === agent)
      if (victim) process.kill(victim.pid, 'SIGKILL')
      tell('⚡ its agent gets a kill -9')
    }
    const job = await readerOf(await connectTask(pool.redisUrl)).job(id)
    if (!job) throw new RaibidError(`the job ${as.name} is gone`)
    return { as, job }
  }
}

const hues = ['cyan', 'green', 'magenta', 'yellow'] as const
const name = (text: string, place: number): string =>
  `${colours.createColors(wantsColour(1))[hues[place % hues.length]!](text.padEnd(8))}│ `

function possible({ name, needs }: DemoJob): boolean {
  if (!needs || has(needs)) return true
  warn(`left out: ${name}, for ${needs} is not installed`)
  return false
}

const results = (done: { as: DemoJob; job: Job }[]): string =>
  table(done, [
    { title: 'JOB', value: ({ as }) => as.name },
    { title: 'STATE', value: ({ job }) => job.state },
    { title: 'ATTEMPTS', value: ({ job }) => job.attempt },
    { title: 'QUEUED', value: ({ job }) => formatDuration((job.startedAt ?? job.queuedAt) - job.queuedAt) },
    { title: 'BUILD', value: ({ job }) => formatDuration((job.finishedAt ?? 0) - (job.startedAt ?? 0)) },
    { title: 'REASON', value: ({ job }) => safe(job.reason) },
  ])

if (import.meta.main) await main(spec, run)
