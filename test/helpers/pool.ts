import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { files, stepEnv } from '#lib/contract.ts'
import { notedAgents, runningPool } from '#lib/pool/state.ts'
import { findMarked, isSameProcess } from '#lib/processes.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isFinal } from '#lib/queue/types.ts'
import { publicJob } from '#lib/jobs/show.ts'
import { reader } from '#lib/queue/reader.ts'
import { runTask, type Result } from './run-process.ts'
import { waitFor } from './wait-for.ts'

type PublicJob = ReturnType<typeof publicJob>

/** A local pool with a home of its own, driven by the tasks as a user drives it. */
export async function testPool(env: NodeJS.ProcessEnv = {}) {
  const home = await mkdtemp(join(tmpdir(), 'raibid-pool-'))
  const all = { ...env, RAIBID_HOME: home }
  const task = (name: string, ...args: string[]): Promise<Result> => runTask(`tasks/${name}.ts`, args, { env: all })
  const connections: Redis[] = []

  function redis(): Redis {
    const client = new Redis(readFileSync(join(home, files.redisUrl), 'utf8').trim(), {
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    })
    client.on('error', () => {})
    connections.push(client)
    return client
  }

  async function must(name: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await task(name, ...args)
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${code}\n${stderr}`)
    return stdout.trim()
  }

  const pool = {
    home,
    env: all,
    task,
    must,
    redis,
    /** Without the control plane, unless it is asked for: `--serve` is taken out. */
    up: (...args: string[]) =>
      must('pool/up', ...(args.includes('--serve') ? args.filter((one) => one !== '--serve') : ['--no-serve', ...args])),
    down: (...args: string[]) => must('pool/down', ...args),
    enqueue: (...args: string[]) => must('jobs/enqueue', ...args),
    story: () => readFileSync(join(home, files.poolLog), 'utf8'),
    async job(id: string): Promise<PublicJob> {
      const job = await reader(pool.client()).job(id)
      if (!job) throw new Error(`no job ${id}`)
      return publicJob(job)
    },
    /** Waits until a job is final. */
    ended: (id: string, ms = 30_000) =>
      waitFor(`the end of ${id}`, async () => ((await pool.job(id).then((job) => isFinal(job.state))) ? pool.job(id) : null), ms),
    /** All output of a job so far. */
    async log(id: string, attempt?: number): Promise<string> {
      let text = ''
      for await (const entry of followLog(pool.client(), id))
        if (entry.kind === 'out' && (!attempt || entry.attempt === attempt)) text += entry.text
      return text
    },
    said: (id: string, what: string, ms = 20_000) =>
      waitFor(`"${what}" in the log of ${id}`, async () => (await pool.log(id)).includes(what), ms),
    /** The process of the agent that runs a job. */
    async agentOf(id: string): Promise<{ name: string; pid: number }> {
      const { agent } = await pool.job(id)
      return waitFor(`agent ${agent}`, () => notedAgents(home).find((note) => note.name === agent))
    },
    supervisor: () => runningPool(home)?.pid ?? null,
    redisPid: () => Number(readFileSync(join(home, files.redisPid), 'utf8')),
    /** Every process that belongs to this pool now: supervisor, agents, their steps. */
    processes(): number[] {
      const supervisor = runningPool(home)
      const notes = notedAgents(home)
      const agents = notes.filter((note) => isSameProcess(note.pid, note.startTime)).map((note) => note.pid)
      return [...(supervisor ? [supervisor.pid] : []), ...agents, ...notes.flatMap((note) => findMarked(stepEnv.mark, note.name))]
    },
    client: () => (connections[0] ??= redis()),
    async close(): Promise<void> {
      for (const connection of connections.splice(0)) connection.disconnect()
      await task('pool/down', '--now')
      await task('pool/down')
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  return pool
}

export type TestPool = Awaited<ReturnType<typeof testPool>>
