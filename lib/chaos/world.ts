import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { env, files } from '#lib/contract.ts'
import { makeRepository } from '#lib/demo/repositories.ts'
import { resolveHead } from '#lib/jobs/commit.ts'
import { startRedis } from '#lib/pool/redis-child.ts'
import { createEnqueuer } from './enqueuer.ts'
import { logBound, raibidFile } from './jobs.ts'
import { belonging } from './leftovers.ts'
import { kill, startPoolProcess } from './pool-process.ts'
import { startProxy } from './proxy.ts'
import { startRecorder } from './recorder.ts'
import type { Note } from './trace.ts'
import { mountWorkDisk } from './work-disk.ts'

/** The numbers of the queue in a round: short, so that much happens. */
export const chaosLimits = { lease: 3000, backoff: 300, logJob: logBound }

export interface WorldOptions {
  max: number
  /** Mount a small disk for the workspaces. */
  workDisk: boolean
  signal: AbortSignal
}

/** A pool of its own with all around it, in one folder: Redis, proxy, supervisor, recorder, clients. `end` leaves nothing of it. */
export async function makeWorld({ max, workDisk, signal }: WorldOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'raibid-chaos-'))
  const at = {
    home: join(folder, 'home'),
    tmp: join(folder, 'tmp'),
    effects: join(folder, 'effects'),
    repo: join(folder, 'repo'),
  }
  for (const path of [at.home, at.tmp, at.effects]) mkdirSync(path, { mode: 0o700 })
  const story = join(folder, 'pool.log')
  writeFileSync(join(folder, 'raibid.yaml'), `log:\n  perJob: ${logBound}\n`)
  await makeRepository(at.repo, { raibidFile: raibidFile() })
  const { commit } = await resolveHead(at.repo, undefined, undefined, [])
  const unmount = workDisk ? mountWorkDisk(join(at.home, files.work)) : null

  const notes: Note[] = []
  const redisChild = await startRedis(join(folder, 'redis'), (text) => void notes.push({ at: Date.now(), text }))
  const real = new URL(redisChild.url)
  const proxy = await startProxy({ host: real.hostname, port: Number(real.port) })
  const proxied = new URL(redisChild.url)
  proxied.port = String(proxy.port)
  const redisUrl = proxied.href
  const poolEnv = {
    ...process.env,
    TMPDIR: at.tmp,
    NODE_COMPILE_CACHE: join(at.home, files.compileCache),
    [env.home]: at.home,
    [env.redisUrl]: redisUrl,
    [env.config]: join(folder, 'raibid.yaml'),
    [env.lease]: String(chaosLimits.lease),
    [env.backoff]: String(chaosLimits.backoff),
    [env.agentIdle]: '2',
  }
  const record = startRecorder(redisChild.url, at.home)
  const pool = startPoolProcess({ home: at.home, env: poolEnv, max, log: story })
  const from = { repo: at.repo, commit, effects: at.effects }
  const enqueuer = createEnqueuer({ redisUrl, limits: chaosLimits, from, signal })
  const children = new Set<ChildProcess>()

  return {
    folder,
    ...at,
    story,
    notes,
    redisChild,
    proxy,
    record,
    pool,
    enqueuer,
    children,
    unmount,
    /** A further process of the round; SIGKILL ends it. */
    start(command: string, args: string[], more: NodeJS.ProcessEnv = {}): { end: () => void; ended: Promise<number | null> } {
      const out = openSync(story, 'a')
      const child = spawn(command, args, { env: { ...poolEnv, ...more }, stdio: ['ignore', out, out] })
      children.add(child)
      const ended = new Promise<number | null>((resolve) => {
        child.once('exit', (code) => resolve(code))
        child.once('error', () => resolve(1))
      }).finally(() => children.delete(child))
      return { end: () => void child.kill('SIGKILL'), ended }
    },
    async end(keep: boolean): Promise<void> {
      for (const child of children) child.kill('SIGKILL')
      await pool.stop(0)
      // agents outlive a supervisor that is killed, and steps an agent that hangs
      for (let i = 0; i < 100; i++) {
        const left = belonging(folder, [process.pid, redisChild.pid()])
        if (left.length === 0) break
        for (const pid of left) kill(pid, 'SIGKILL')
        await sleep(20)
      }
      enqueuer.close()
      await record.stop()
      await proxy.close()
      await redisChild.stop()
      unmount?.()
      if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export type World = Awaited<ReturnType<typeof makeWorld>>
