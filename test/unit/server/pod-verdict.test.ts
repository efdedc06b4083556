import { expect, test } from 'vitest'
import { isRunning, startFailure, verdictOn, verdictOnGone, type Verdict } from '#lib/server/cluster/pod-verdict.ts'
import { aJob, aPod } from './objects.ts'

const at = 1_000_000
const terminated = (exitCode: number, reason = 'Error', message = '') => ({ terminated: { exitCode, reason, message } })
const waiting = (reason: string, message = '') => ({ waiting: { reason, message } })

test.each<[string, Parameters<typeof aPod>, Verdict['state'], string, boolean]>([
  ['starts', [{ phase: 'Pending' }, waiting('ContainerCreating')], 'fine', '', false],
  ['runs', [{ phase: 'Running' }, { running: {} }], 'fine', '', false],
  ['ended well', [{ phase: 'Succeeded' }, terminated(0, 'Completed')], 'ended', 'agent lost: it ended without a result', false],
  ['out of memory', [{ phase: 'Failed' }, terminated(137, 'OOMKilled')], 'ended', 'out of memory', true],
  ['its own fault', [{ phase: 'Failed' }, terminated(1)], 'ended', 'agent lost: exit code 1', true],
  ['killed', [{ phase: 'Failed' }, terminated(137)], 'ended', 'agent lost: killed by SIGKILL', false],
  [
    'no such program',
    [{ phase: 'Failed' }, terminated(128, 'StartError', 'exec: "nod": not found')],
    'ended',
    'agent lost: its container can\'t be started: exec: "nod": not found',
    true,
  ],
  [
    'evicted',
    [{ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory. ' }],
    'ended',
    'agent lost: evicted: The node was low on resource: memory.',
    false,
  ],
  [
    'the node shut down',
    [{ phase: 'Failed', reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' }],
    'ended',
    'agent lost: node spark: Terminated: Pod was terminated in response to imminent node shutdown.',
    false,
  ],
  ['its deadline', [{ phase: 'Failed', reason: 'DeadlineExceeded' }], 'ended', 'agent lost: ran past its deadline', false],
  ['the node is gone', [{ phase: 'Unknown' }], 'stuck', 'agent lost: node spark does not answer', false],
  ['node lost', [{ phase: 'Running', reason: 'NodeLost' }], 'stuck', 'agent lost: node spark does not answer', false],
  [
    'preempted',
    [{ phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] }],
    'ended',
    'agent lost: node spark: a more important pod took its place',
    false,
  ],
])('%s', (_, pod, state, reason, fault) => expect(verdictOn(aPod(...pod), null, null, at)).toEqual({ state, reason, fault }))

test('an image that can’t be pulled is waited for half a minute, then the reason names it', () => {
  const pod = aPod({ phase: 'Pending' }, waiting('ImagePullBackOff', 'Back-off pulling'))
  expect(verdictOn(pod, null, at, at + 30_000).state).toBe('fine')
  const image = "agent lost: image registry.test/agent:1 can't be pulled: ImagePullBackOff: Back-off pulling"
  expect(verdictOn(pod, null, at, at + 30_001)).toEqual({ state: 'stuck', reason: image, fault: true })
  expect(verdictOn(aPod({ phase: 'Pending' }, waiting('ErrImagePull')), null, null, at).state).toBe('fine')
})

test('a name that is none is not waited for; a Secret that is missing is, for as long as an image', () => {
  expect(verdictOn(aPod({}, waiting('InvalidImageName')), null, at, at).state).toBe('stuck')
  const missing = aPod({}, waiting('CreateContainerConfigError', 'secret "redis-app" not found'))
  expect(verdictOn(missing, null, at, at).state).toBe('fine')
  expect(verdictOn(missing, null, at, at + 31_000).reason).toMatch(
    /container agent can't be started: .*secret "redis-app" not found/,
  )
  expect(startFailure(aPod({}, { running: {} }))).toBe(null)
})

test.each([
  [aJob('j', { ended: 'Failed', reason: 'DeadlineExceeded' }), 'agent lost: ran past the deadline of its Job (2h00m)'],
  [aJob('j', { ended: 'Failed', reason: 'BackoffLimitExceeded' }), 'agent lost: its pod was deleted'],
  [null, 'agent lost: its pod was deleted'],
])('a pod that is gone', (job, reason) =>
  expect(verdictOnGone(aPod(), job)).toMatchObject({ state: 'ended', reason, fault: false }),
)

test('only a container that runs must show itself to the queue', () => {
  expect(isRunning(aPod({ phase: 'Running' }, { running: {} }))).toBe(true)
  expect(isRunning(aPod({ phase: 'Running' }, { running: {} }, { deletionTimestamp: 'x' }))).toBe(false)
  expect(isRunning(aPod({ phase: 'Pending' }, waiting('ContainerCreating')))).toBe(false)
})
