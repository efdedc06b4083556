import type { createAgents } from './agents.ts'

/** How a pool ends; null: it doesn't. */
export type Ending = 'drain' | 'now' | null

/** Waits for the last agent. A drain lets each finish its job; `now` makes it give the job back, and kills it after ten seconds. */
export async function emptied(agents: ReturnType<typeof createAgents>, how: () => Ending): Promise<void> {
  let since = 0
  let told: Ending = null
  while (agents.names().length > 0) {
    if (told !== how()) {
      ;[told, since] = [how(), Date.now()]
      agents.signalAll(told === 'now' ? 'SIGTERM' : 'SIGUSR2')
    }
    if (told === 'now' && Date.now() - since > 10_000) agents.signalAll('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  await agents.settled()
}
