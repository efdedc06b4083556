import { expect, test } from 'vitest'
import { cluster } from '#lib/contract.ts'
import { stoodIn, truthOf, type PoolFacts } from '#lib/server/cluster/truth.ts'
import { aJob, aPod, aScaledJob } from './objects.ts'

const now = Date.parse('2026-01-02T03:04:30Z')
const ago = (seconds: number): number => now - seconds * 1000
const counts = (pending: number, running = 0, delayed = 0) => ({
  pool: 'default',
  entries: pending + running,
  pending,
  running,
  delayed,
})
const truth = (facts: Partial<PoolFacts>) =>
  truthOf('default', { counts: counts(0), scaledJob: aScaledJob(), jobs: [], pods: [], owedSince: null, ...facts }, now)
const ready = (status: string, reason = '', message = '') => [{ type: 'Ready', status, reason, message }]

test('nothing waits: nothing is wrong, and nothing owed is remembered', () => {
  expect(truth({ counts: counts(0, 3, 5), owedSince: ago(60) })).toEqual({ owed: 3, owedSince: null, text: null, create: 0 })
})

test('what is owed is KEDA’s own formula, and counts from when it was first seen', () => {
  expect(truth({ counts: counts(3, 1), jobs: [aJob('a')] })).toEqual({ owed: 3, owedSince: now, text: null, create: 0 })
  expect(truth({ counts: counts(9), jobs: [aJob('a')] }).owed).toBe(3)
})

test('up to the bound it is KEDA’s to create; then we say why and create what is owed', () => {
  expect(truth({ counts: counts(2), owedSince: ago(15) })).toMatchObject({ create: 0, text: null })
  expect(truth({ counts: counts(2), owedSince: ago(16) })).toEqual({
    ...{ owed: 2, owedSince: ago(16), create: 2 },
    text: '2 waiting: KEDA has created nothing since 03:04:14 UTC, although 2 agents should start: it has not taken up the ScaledJob; does keda-operator run?',
  })
})

test.each([
  [ready('False', 'TriggerError', 'no Redis'), 'TriggerError: no Redis'],
  [ready('True'), 'it says that it is ready; does keda-operator run, and does it reach Redis?'],
])('what KEDA says about it is told', (conditions, why) => {
  expect(truth({ counts: counts(2), owedSince: ago(16), scaledJob: aScaledJob({}, {}, conditions) }).text).toContain(why)
})

test('a Job made meanwhile shows that KEDA works: the time counts from there', () => {
  const jobs = [aJob('a', { at: ago(5), ended: 'Complete' })]
  expect(truth({ counts: counts(2), owedSince: ago(60), jobs })).toMatchObject({ owedSince: ago(5), create: 0 })
  expect(truth({ counts: counts(2), owedSince: ago(60), jobs: [aJob('a', { at: ago(-99) })] }).owedSince).toBe(now)
})

test('never beyond max, never for a paused pool, nothing without a ScaledJob', () => {
  const jobs = ['a', 'b', 'c', 'd'].map((name) => aJob(name, { at: ago(1) }))
  expect(truth({ counts: counts(9), owedSince: ago(60), jobs })).toMatchObject({ owed: 0, create: 0, text: null })
  const paused = aScaledJob({}, { [cluster.kedaPaused]: 'true', [cluster.pausedAnnotation]: 'needs a human: x' })
  expect(truth({ counts: counts(9), owedSince: ago(60), scaledJob: paused })).toMatchObject({
    create: 0,
    text: 'paused: needs a human: x',
  })
  expect(truth({ counts: counts(9), owedSince: ago(60), scaledJob: null })).toMatchObject({
    create: 0,
    text: '9 waiting: there is no ScaledJob agents-default for the pool',
  })
})

test('Jobs that don’t get to work are told with what their pods say', () => {
  const jobs = ['a', 'b', 'c', 'd'].map((name) => aJob(name, { at: ago(60) }))
  const owner = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'a', uid: '' }]
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }
  const pods = [aPod({ phase: 'Pending', conditions: [unschedulable] }, undefined, { name: 'p', ownerReferences: owner })]
  expect(truth({ counts: counts(4), jobs, pods }).text).toBe(
    '4 agents do not start: pod p: PodScheduled is False: Unschedulable: 0/1 nodes',
  )
  expect(truth({ counts: counts(4), jobs: jobs.map(({ metadata }) => aJob(metadata.name!, { at: ago(5) })), pods }).text).toBe(
    null,
  )
})

test('that Jobs were created in KEDA’s place is told until KEDA creates some, for ten minutes', () => {
  const by = (name: string, seconds: number, who: string) => {
    const job = aJob(name, { at: ago(seconds) })
    return { ...job, metadata: { ...job.metadata, labels: { 'app.kubernetes.io/managed-by': who } } }
  }
  const [old, us, again, back] = [
    by('a', 60, 'keda-operator'),
    by('b', 40, 'raibid-ci'),
    by('c', 20, 'raibid-ci'),
    by('d', 5, 'keda-operator'),
  ]
  expect(stoodIn([old, us, again], now)).toMatch(/; 2 Jobs were created in its place, the last at 03:04:10 UTC/)
  expect([stoodIn([old, us, again, back], now), stoodIn([old, us], now + 600_000), stoodIn([old], now)]).toEqual([
    null,
    null,
    null,
  ])
})

test('Jobs whose agents have ended but which still count are told apart: KEDA waits for them', () => {
  const jobs = ['a', 'b', 'c', 'd'].map((name) => aJob(name, { at: ago(60) }))
  const pod = (name: string, seconds: number) =>
    aPod(
      { phase: 'Succeeded' },
      { terminated: { exitCode: 0, finishedAt: new Date(ago(seconds)).toISOString() } },
      { name: `${name}-12345` },
    )
  const pods = (seconds: number) =>
    jobs.map(({ metadata }) => ({
      ...pod(metadata.name!, seconds),
      metadata: {
        ...pod(metadata.name!, 0).metadata,
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: metadata.name!, uid: '' }],
      },
    }))
  expect(truth({ counts: counts(4), jobs, pods: pods(16) }).text).toBe(
    '4 Jobs still count although their agents have ended: does kube-controller-manager run?',
  )
  expect(truth({ counts: counts(4), jobs, pods: pods(2) }).text).toBe(null)
})
