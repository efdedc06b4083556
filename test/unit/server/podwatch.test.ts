import { beforeEach, expect, test } from 'vitest'
import type { Kube } from '#lib/cluster/kube.ts'
import type { Job, Pod, ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import type { Keeper } from '#lib/queue/keeper.ts'
import type { Mirror } from '#lib/server/cluster/mirror.ts'
import { podWatch } from '#lib/server/cluster/podwatch.ts'
import { aPod, aScaledJob } from './objects.ts'

let did: string[]
let claimed: string[]
let refuses: boolean
beforeEach(() => ([did, claimed, refuses] = [[], [], false]))

const kube = {
  get: () => Promise.resolve(aScaledJob()),
  patch: ({ kind }: Pod, { metadata }: ScaledJob) => {
    if (kind === 'Pod') return refuses ? Promise.reject(new Error('away')) : Promise.resolve({})
    did.push(`pause: ${metadata.annotations![cluster.pausedAnnotation]}`)
    return Promise.resolve(aScaledJob({}, metadata.annotations))
  },
  remove: ({ kind, metadata }: Pod) => {
    if (refuses) return Promise.reject(new Error('away'))
    did.push(`delete ${kind} ${metadata.name}`)
    return Promise.resolve(true)
  },
} as unknown as Kube
const made = () =>
  podWatch({
    ...{ kube, namespace: 'ci', say: () => {}, count: () => {}, tell: () => Promise.resolve() },
    hasClaimed: (agent) => Promise.resolve(claimed.includes(agent)),
    keeper: {
      release: (agent: string, reason: string) => (did.push(`release ${agent}: ${reason}`), Promise.resolve('pending')),
    } as unknown as Keeper,
  })
const mirrorOf = (pods: Pod[], old: string[] = []): Mirror =>
  ({
    pods: new Map(pods.map((pod) => [pod.metadata.name!, pod])),
    jobs: new Map<string, Job>(),
    scaledJobs: new Map(),
    old: new Set(old.map((name) => `uid-of-${name}`)),
  }) as unknown as Mirror
const failed = (name: string) => aPod({ phase: 'Failed' }, { terminated: { exitCode: 1 } }, { name })
const stuck = (name: string) => aPod({ phase: 'Pending' }, { waiting: { reason: 'InvalidImageName' } }, { name })
const names = ['j-1-aaaaa', 'j-2-bbbbb', 'j-3-ccccc']

test('an end is told to the queue once, however often it is looked at; after a restart once more, without harm', async () => {
  const watch = made()
  const pods = mirrorOf([aPod({ phase: 'Failed' }, { terminated: { exitCode: 137, reason: 'OOMKilled' } }, { name: 'a' })])
  await watch.look(pods)
  await watch.look(pods)
  expect(did).toEqual(['release a: out of memory'])
  await made().look(pods)
  expect(did).toEqual(['release a: out of memory', 'release a: out of memory'])
})

test('three that end without a claim pause the pool; one that had claimed begins the row anew', async () => {
  const watch = made()
  claimed = ['j-2-bbbbb']
  await watch.look(mirrorOf(names.map(failed)))
  expect(did.filter((one) => one.startsWith('pause'))).toEqual([])
  await watch.look(mirrorOf(['j-4-ddddd', 'j-5-eeeee'].map(failed)))
  expect(did.filter((one) => one.startsWith('pause'))).toEqual([
    'pause: needs a human: 3 agents in a row ended without taking a job; the last was j-5-eeeee: exit code 1',
  ])
})

test('those that had ended before we came are released, and counted against nobody', async () => {
  await made().look(mirrorOf(names.map(failed), names))
  expect(did).toEqual(names.map((name) => `release ${name}: agent lost: exit code 1`))
})

test('agents that can never start: the pool is paused first, then their Jobs go, then their pods, then they are released', async () => {
  await made().look(mirrorOf(names.map(stuck)))
  expect(did[0]).toMatch(/^pause: .*image registry\.test\/agent:1 can't be pulled: InvalidImageName/)
  expect(did.slice(1, 4)).toEqual([
    'delete Job j-1',
    'delete Pod j-1-aaaaa',
    expect.stringMatching(/^release j-1-aaaaa: agent lost: image/),
  ])
  expect(did).toHaveLength(10)
})

test('a deletion that fails is tried again, and is no second failure of the agent', async () => {
  const watch = made()
  refuses = true
  for (let i = 0; i < 4; i++) await watch.look(mirrorOf([stuck('j-1-aaaaa')]))
  expect(did).toEqual([])
  refuses = false
  await watch.look(mirrorOf([stuck('j-1-aaaaa')]))
  expect(did.map((one) => one.split(' ')[0])).toEqual(['delete', 'delete', 'release'])
})

test('a pod that is gone: what we ended it for, else what the cluster says; nothing when its end was dealt with', async () => {
  const watch = made()
  watch.gone(aPod({}, undefined, { name: 'j-1-aaaaa' }), null)
  // one that we, or another of us, ended
  const annotations = { [cluster.endedAnnotation]: 'agent lost: hung' }
  watch.gone(aPod({}, undefined, { name: 'j-2-bbbbb', annotations }), null)
  await watch.look(mirrorOf([failed('j-3-ccccc')]))
  watch.gone(failed('j-3-ccccc'), null)
  expect(did.filter((one) => one.startsWith('release'))).toEqual([
    'release j-1-aaaaa: agent lost: its pod was deleted',
    'release j-2-bbbbb: agent lost: hung',
    'release j-3-ccccc: agent lost: exit code 1',
  ])
})
