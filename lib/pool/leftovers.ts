import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { files, stepEnv } from '#lib/contract.ts'
import { endMarked, isSameProcess } from '#lib/processes.ts'
import { removeFolder } from '#lib/remove-folder.ts'
import { endRedis } from './redis-child.ts'
import { redisPaths, runningRedis } from './redis-files.ts'
import { forgetAgent, livingAgent, notes, tell } from './state.ts'

/**
 * Ends what a killed supervisor left: its agents (which give their jobs back), their steps, its redis-server. The jobs stay in the queue.
 * Gives how many processes were ended. To be called with the lock of the home.
 */
export async function clearLeftovers(home: string): Promise<number> {
  let ended = 0
  const noted = notes(home)
  const living = noted.flatMap((note) => livingAgent(home, note) ?? [])
  for (const note of living) tell(note, note.spare ? 'SIGKILL' : 'SIGTERM')
  for (const note of living) {
    const kill = Date.now() + 10_000
    while (isSameProcess(note.pid, note.startTime)) {
      if (Date.now() > kill) tell(note, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    ended++
  }
  for (const note of noted) {
    await endMarked(stepEnv.mark, note.name, { graceMs: 0 })
    forgetAgent(home, note.name)
  }
  const redis = runningRedis(home)
  if (redis !== null) {
    await endRedis(redis)
    ended++
  }
  await rm(redisPaths(home).pid, { force: true })
  for (const folder of [files.work, files.tmp]) await removeFolder(join(home, folder)).catch(() => {})
  return ended
}
