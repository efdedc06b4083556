/** What a spare does while it has time: the way of a job, once, for V8 compiles a function when it is first called. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { Config } from '#lib/config.ts'
import { pipelineFile } from '#lib/contract.ts'
import { connectLasting } from '#lib/queue/connect-lasting.ts'
import { worker as workerOf, type Worker } from '#lib/queue/worker.ts'
import type { Job } from '#lib/queue/types.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { planSteps } from '#lib/pipeline/plan.ts'
import { runJob } from './run-job.ts'
import { runPlanned } from './run-planned.ts'
import { stepEnvironment } from '#lib/pipeline/step-env.ts'

/** A machine that takes longer has other worries, ms. */
const longest = 5000

/**
 * Claims from a Redis that is nobody's (a socket in this process), clones what is not there, plans and runs one empty step. Nothing of it is
 * seen by anyone, and whatever goes wrong is of no matter.
 */
export async function rehearse(agent: string, config: Config): Promise<void> {
  let late: NodeJS.Timeout | undefined
  const end = new Promise<void>((resolve) => (late = setTimeout(resolve, longest)))
  await Promise.race([run(agent, config).catch(() => {}), end])
  clearTimeout(late)
}

async function run(agent: string, config: Config): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rehearsal-'))
  const over = new AbortController()
  const timer = setTimeout(() => over.abort('drain'), longest / 2)
  const { server, redis } = await nobodys()
  try {
    const worker = workerOf(redis, agent)
    await worker.claim('', '')
    const all = {
      agent,
      token: '',
      next: null,
      config: { ...config, home: folder },
      bornAt: 0,
      drain: over.signal,
      bell: () => bell,
    }
    const known: Worker = { ...worker, onCancel: () => Promise.resolve() }
    await runJob({ ...all, worker: known, job: { ...job, repo: join(folder, 'none') } })
    await writeFile(join(folder, pipelineFile), 'steps: [{ name: none, run: ":" }]\n')
    const env = stepEnvironment({ base: process.env, extra: {}, pass: [] })
    const { steps } = await planSteps({ workspace: folder, pipeline: 'auto', env })
    const step = { name: '', state: 'running' as const, exitCode: null, durationMs: null }
    await runPlanned(steps[0]!, step, { cwd: folder, env, mark: agent, signal: over.signal, onOutput: () => {} })
  } finally {
    clearTimeout(timer)
    redis.disconnect()
    server.close()
    await removeFolder(folder)
  }
}

const job = {
  ...{ id: 'rehearsal', attempt: 1, branch: '', commit: '0'.repeat(40), pipeline: 'auto', timeoutMs: 0 },
  ...{ env: {}, secrets: [], sealed: null },
} as unknown as Job

const bell = { removeAllListeners: () => {}, unsubscribe: () => Promise.resolve() } as unknown as Redis

/** A Redis that holds nothing and knows two answers, and a connection to it. */
async function nobodys(): Promise<{ server: Server; redis: Redis }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      for (const [, name] of bytes.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n([a-z]+)\r\n/gi))
        socket.write(
          name === 'hello' ? '%1\r\n$5\r\nproto\r\n:3\r\n' : name === 'eval' ? '*2\r\n$4\r\nidle\r\n$3\r\n0-0\r\n' : '+ok\r\n',
        )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const redis = connectLasting(`redis://127.0.0.1:${port}`, { enableReadyCheck: false })
  return { server, redis }
}
