import { expect, test } from 'vitest'
import { isHeld } from '#lib/cluster/lease.ts'
import { patchFor } from '#lib/cluster/scaled-job-change.ts'
import { kinds } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import type { AgentView } from '#lib/queue/reader.ts'
import { failureCount } from '#lib/server/cluster/failures.ts'
import { orphans } from '#lib/server/cluster/hung.ts'
import { jobFrom } from '#lib/server/cluster/job-from.ts'
import { storyJson, storyLine } from '#lib/server/say.ts'
import { silenceWatch } from '#lib/pool/silence.ts'
import { forgottenJobs, superfluousJobs } from '#lib/server/cluster/tidy.ts'
import { aJob, aPod, aScaledJob } from './objects.ts'

test('a Job in KEDA’s place has its labels, annotation and owner, and the ScaledJob’s own template', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'agent' }] } }
  const scaledJob = aScaledJob({ jobTargetRef: { backoffLimit: 0, activeDeadlineSeconds: 60, template } }, { note: 'x' })
  const labels = { [cluster.kedaJobLabel]: 'agents-default' }
  expect(jobFrom(scaledJob)).toEqual({
    ...kinds.job,
    metadata: {
      generateName: 'agents-default-',
      namespace: 'ci',
      labels: {
        ...{ ...labels, [cluster.poolLabel]: 'default', 'app.kubernetes.io/name': 'agents-default' },
        ...{ 'app.kubernetes.io/part-of': 'agents-default', 'app.kubernetes.io/managed-by': 'raibid-ci' },
      },
      annotations: { 'scaledjob.keda.sh/generation': '3', note: 'x' },
      ownerReferences: [
        {
          apiVersion: 'keda.sh/v1alpha1',
          kind: 'ScaledJob',
          name: 'agents-default',
          uid: 'sj',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      ...{ backoffLimit: 0, activeDeadlineSeconds: 60 },
      template: {
        metadata: { generateName: 'agents-default-', labels: { a: 'b', ...labels } },
        spec: { containers: [{ name: 'agent' }], restartPolicy: 'OnFailure' },
      },
    },
  })
  expect(template.metadata.labels).toEqual({ a: 'b' })
})

const paused = { [cluster.kedaPaused]: 'true', [cluster.pausedAnnotation]: 'why' }
const annotate = (on: string | null, why: string | null) => ({
  metadata: { annotations: { [cluster.kedaPaused]: on, [cluster.pausedAnnotation]: why } },
})
test.each([
  [aScaledJob(), { do: 'scale', max: 9 } as const, { spec: { maxReplicaCount: 9 } }],
  [aScaledJob(), { do: 'scale', max: 4 } as const, null],
  [aScaledJob(), { do: 'pause', because: 'why' } as const, annotate('true', 'why')],
  [aScaledJob({}, paused), { do: 'pause', because: 'why' } as const, null],
  [aScaledJob({}, paused), { do: 'resume' } as const, annotate(null, null)],
  [aScaledJob(), { do: 'resume' } as const, null],
  [aScaledJob({}, { [cluster.kedaPaused]: 'false' }), { do: 'resume' } as const, null],
])('a change of a ScaledJob is a patch, or nothing when it is so', (scaledJob, change, patch) =>
  expect(patchFor(scaledJob, change)).toEqual(patch),
)

test('max below the warm agents is refused', () =>
  expect(() => patchFor(aScaledJob({ minReplicaCount: 2 }), { do: 'scale', max: 1 })).toThrow(/less than the 2 warm agents/))

test('three failures in a row pause a pool, once; a claim or a good end in between starts the row anew', () => {
  const count = failureCount()
  expect([count.ended('p', 'a', 'x'), count.ended('p', 'b', 'x'), count.ended('q', 'c', 'x')]).toEqual([null, null, null])
  expect(count.ended('p', 'd', 'agent lost: exit code 1')).toBe(
    'needs a human: 3 agents in a row ended without taking a job; the last was d: exit code 1',
  )
  expect(count.ended('p', 'e', 'x')).toBe(null)
  count.ended('q', 'f', 'x')
  count.ended('q', 'g', null)
  expect(count.ended('q', 'h', 'x')).toBe(null)
})

test('silence: with a job shortly before the lease ends, without one after two; never from before we looked', () => {
  const lease = 15_000
  const watch = silenceWatch(lease)
  const views: AgentView[] = [
    { agent: 'busy', pool: 'p', job: 'j', beatAt: 1 },
    { agent: 'idle', pool: 'p', job: null, beatAt: 1 },
  ]
  const found = (seconds: number): string[] =>
    watch.look(['busy', 'idle', 'unknown'], views, 1e9 + seconds * 1000).map(({ agent }) => agent)
  const silent = Array.from({ length: 32 }, (_, i) => found(i))
  expect([silent[11], silent[12], silent[30], silent[31]]).toEqual([[], ['busy'], ['busy'], ['busy', 'idle', 'unknown']])
  // we were away for ten seconds: nobody is to blame
  expect(found(42)).toEqual([])
  for (let i = 43; i < 50; i++) found(i)
  views[0]!.beatAt = 2
  for (let i = 50; i < 55; i++) expect(found(i)).toEqual([])
})

test('orphans: agents of a cluster that hold a job and have no pod; a local pool’s are none of them', () => {
  const view = (agent: string, job: string | null = 'j'): AgentView => ({ agent, pool: 'gpu', job, beatAt: 0 })
  const views = [
    view('agents-gpu-a-1'),
    view('agents-gpu-b-2'),
    view('agents-gpu-c-3', null),
    view('local-x'),
    view('agents-default-d'),
  ]
  expect(orphans(views, new Map([['agents-gpu-b-2', {}]]))).toEqual(['agents-gpu-a-1'])
})

test('of finished Jobs the newest stay, and those of the last minute', () => {
  const now = 1e12
  const job = (name: string, secondsAgo: number, ended = 'Complete') => aJob(name, { ended, failedAt: now - secondsAgo * 1000 })
  const jobs = [job('new', 10), job('a', 100), job('b', 200), job('c', 300), job('f', 400, 'Failed'), aJob('runs')]
  const scaledJob = aScaledJob({ successfulJobsHistoryLimit: 2 })
  const names = (all: typeof jobs): string[] => all.map(({ metadata }) => metadata.name!)
  expect(names(superfluousJobs(jobs, [scaledJob], now))).toEqual(['b', 'c'])
  expect(names(superfluousJobs(jobs, [], now))).toEqual(['c'])
})

test('a Lease is held by another until its time is over', () => {
  const lease = (holderIdentity: string) => ({
    ...kinds.lease,
    metadata: {},
    spec: { holderIdentity, leaseDurationSeconds: 30, renewTime: '2026-01-01T00:00:00.000000Z' },
  })
  const at = (seconds: number): number => Date.parse('2026-01-01T00:00:00Z') + seconds * 1000
  expect([isHeld(lease('b'), 'a', at(29)), isHeld(lease('b'), 'a', at(31))]).toEqual([true, false])
  expect([isHeld(lease('a'), 'a', at(1)), isHeld(lease(''), 'a', at(1))]).toEqual([false, false])
})

test('a line of the story, for people and for programs', () => {
  const at = new Date('2026-03-01T10:00:00Z')
  const facts = { agent: 'a-1', reason: 'out of\nmemory', none: undefined }
  expect(storyLine(at, 'podwatch', 'released', facts)).toBe(
    '2026-03-01T10:00:00.000Z podwatch released agent=a-1 reason="out of\\nmemory"',
  )
  const all = { time: '2026-03-01T10:00:00.000Z', area: 'podwatch', what: 'released' }
  expect(JSON.parse(storyJson(at, 'podwatch', 'released', { ...facts, what: 'other' }))).toEqual({
    ...{ agent: 'a-1', reason: 'out of\nmemory' },
    ...all,
  })
})

test('a Job that has failed for good without being marked so is removed: it would count for max until its deadline', () => {
  const now = 1_000_000
  const job = (name: string, { at = 0, failed = 1, ...more } = {}) => ({
    ...aJob(name, { at }),
    ...{ spec: { backoffLimit: 0 }, status: { failed }, ...more },
  })
  const jobs = [
    job('forgotten'),
    job('has-a-pod'),
    job('fresh', { at: now - 30_000 }),
    job('never-failed', { failed: 0 }),
    job('tries-again', { spec: { backoffLimit: 1 } } as object),
    aJob('failed', { ended: 'Failed' }),
  ]
  const pods = [aPod({ phase: 'Failed' }, undefined, { name: 'has-a-pod-xyz12' })]
  expect(forgottenJobs(jobs, pods, now).map(({ metadata }) => metadata.name)).toEqual(['forgotten'])
})
