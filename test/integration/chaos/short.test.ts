import { expect, test } from 'vitest'
import type { FaultKind } from '#lib/chaos/kinds.ts'
import { runRound } from '#lib/chaos/round.ts'

/** One of each kind that needs nothing special, without those that only wait long. */
const kinds: FaultKind[] = [
  'agent-killed-before-claim',
  'agent-killed-in-clone',
  'agent-killed-in-step',
  'agent-killed-before-finish',
  'agent-killed-in-finish',
  'agent-zombie',
  'enqueue-twice',
  'cancel-before-claim',
  'cancel-running',
  'cancel-at-finish',
  'poison-job',
  'job-deleted',
  'redis-killed',
  'network-cut',
  'reply-lost',
  'supervisor-killed',
]

test('a short round of chaos: nothing is lost, accepted twice or left behind', { timeout: 180_000 }, async () => {
  const story: string[] = []
  const signal = new AbortController().signal
  const say = (text: string): void => void story.push(text)
  const { score, trace } = await runRound({ jobs: 60, faults: kinds.length, seed: 20, kinds, signal, say })
  expect({ details: score.details, trace }).toEqual({ details: [], trace: null })
  expect(score).toMatchObject({ jobs: 60, lost: 0, doubleAccepted: 0, logLinesLost: 0, violations: 0, unrecovered: {} })
  // a round in which most faults find nothing to hit proves nothing
  expect(score.faults, `missed: ${JSON.stringify(score.missed)}\n${story.join('\n')}`).toBeGreaterThanOrEqual(kinds.length - 4)
})
