import { expect, test } from 'vitest'
import { backOff } from '#lib/cluster/watch.ts'
import { differences } from '#lib/cluster/diff.ts'
import { reasonsOf, type KubeEvent } from '#lib/cluster/reasons.ts'
import type { KubeObject, Pod } from '#lib/cluster/types.ts'

const pod = (status: Pod['status']): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: status! })
const object = (kind: string, conditions: object[]): KubeObject => ({
  apiVersion: 'x',
  kind,
  metadata: {},
  status: { conditions },
})

test.each<[string, KubeObject | null, string[]]>([
  ['nothing', null, ['it does not exist']],
  [
    'an image that can’t be pulled',
    pod({ containerStatuses: [{ name: 'agent', state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } }] }),
    ['pod p: container agent waits: ErrImagePull: not found'],
  ],
  [
    'one that is being created',
    pod({ containerStatuses: [{ name: 'a', state: { waiting: { reason: 'ContainerCreating' } } }] }),
    [],
  ],
  [
    'a pod that fits nowhere',
    pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] }),
    ['pod p: PodScheduled is False: Unschedulable: 0/1 nodes'],
  ],
  ['an eviction', pod({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }), ['pod p: Evicted: low on memory']],
  [
    'a container that died',
    pod({ containerStatuses: [{ name: 'a', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }] }),
    ['pod p: container a ended with exit code 137: OOMKilled'],
  ],
  [
    'a Job that failed',
    object('Job', [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too long' }]),
    ['Failed: DeadlineExceeded: too long'],
  ],
  [
    'a ScaledJob that is not ready',
    object('ScaledJob', [
      { type: 'Ready', status: 'False', reason: 'TriggerError', message: 'no Redis' },
      { type: 'Active', status: 'False' },
      { type: 'Paused', status: 'False' },
    ]),
    ['Ready is False: TriggerError: no Redis'],
  ],
  ['a Deployment that is fine', object('Deployment', [{ type: 'Available', status: 'True' }]), []],
])('%s', (_, one, reasons) => expect(reasonsOf(one)).toEqual(reasons))

test('warnings come last, the newest first, three at the most', () => {
  const event = (n: number, type = 'Warning'): KubeEvent => ({
    ...{ apiVersion: 'v1', kind: 'Event', metadata: {}, type },
    ...{ reason: `R${n}`, lastTimestamp: `2026-01-0${n}` },
  })
  expect(reasonsOf(pod({}), [], [event(1), event(4), event(2), event(3), event(9, 'Normal')])).toEqual(['R4', 'R3', 'R2'])
})

test('differences are wishes only: not what the server keeps for itself', () => {
  const a = {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x', uid: '1', resourceVersion: '1' },
    spec: { l: [1, { b: 2 }] },
    status: {},
  }
  const b = { ...a, metadata: { name: 'x', uid: '2', labels: { a: 'b' } }, spec: { l: [1, { b: 3 }] }, status: { x: 1 } }
  expect(differences(a, b)).toEqual([
    { path: 'spec.l[1].b', from: 2, to: 3 },
    { path: 'metadata.labels', from: undefined, to: { a: 'b' } },
  ])
  expect(differences(a, a)).toEqual([])
})

test('of a Secret it is shown that a value changed, not the value', () => {
  const secret = (value?: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: {}, data: value ? { k: value } : {} })
  expect(differences(secret('YQ=='), secret('Yg=='))).toEqual([{ path: 'data.k', from: '(secret)', to: '(secret)' }])
  expect(differences(secret(), secret('Yg=='))).toEqual([{ path: 'data.k', from: undefined, to: '(secret)' }])
})

test('back-off grows to ten seconds, and is jittered by half', () => {
  expect([0, 1, 2, 20].map((n) => backOff(n, 1))).toEqual([200, 400, 800, 10_000])
  expect(backOff(20, 0)).toBe(5000)
})
