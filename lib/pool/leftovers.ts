import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { files, stepEnv } from '#lib/contract.ts'
import { endMarked, isSameProcess, startTimeOf } from '#lib/processes.ts'
import { running } from './redis-child.ts'
import { forgetAgent, notedAgents } from './state.ts'

/**
 * Ends what a killed supervisor left: its agents (which give their jobs back), their steps, its redis-server. The jobs stay in the queue.
 * Gives how many processes were ended.
 */
export async function clearLeftovers(home: string): Promise<number> {
  let ended = 0
  const notes = notedAgents(home)
  const living = notes.filter((note) => isSameProcess(note.pid, note.startTime))
  for (const note of living) process.kill(note.pid, 'SIGTERM')
  for (const note of living) {
    await gone(() => isSameProcess(note.pid, note.startTime), note.pid)
    ended++
  }
  for (const note of notes) {
    await endMarked(stepEnv.mark, note.name, { graceMs: 0 })
    forgetAgent(home, note.name)
  }
  const redis = running(join(home, files.redisPid))
  if (redis !== null) {
    process.kill(redis, 'SIGTERM')
    await gone(() => startTimeOf(redis) !== null, redis)
    await rm(join(home, files.redisPid), { force: true })
    ended++
  }
  await rm(join(home, files.work), { recursive: true, force: true })
  return ended
}

async function gone(alive: () => boolean, pid: number): Promise<void> {
  for (const end = Date.now() + 10_000; alive(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) process.kill(pid, 'SIGKILL')
  }
}
