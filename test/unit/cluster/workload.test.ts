import { expect, test } from 'vitest'
import type { Kube } from '#lib/cluster/kube.ts'
import { isReady, workloadState } from '#lib/cluster/workload.ts'

const of = (replicas: number | undefined, ready: number, more: object = {}) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'serve', namespace: 'ci', generation: 2 } },
  spec: { ...(replicas !== undefined && { replicas }) },
  status: { observedGeneration: 2, readyReplicas: ready, updatedReplicas: ready, ...more },
})

test.each([
  [of(1, 1), true],
  [of(undefined, 1), true],
  [of(2, 1), false],
  [of(1, 1, { observedGeneration: 1 }), false],
  [of(1, 1, { updatedReplicas: 0 }), false],
  [of(0, 0), false],
  [of(0, 1), false],
])('%j: %s', (one, expected) => expect(isReady(one)).toBe(expected))

test('what somebody scaled to 0 is not ready, in words, and nothing else is asked', async () => {
  const kube = { get: () => Promise.resolve(of(0, 0)) } as unknown as Kube
  expect(await workloadState(kube, of(0, 0))).toEqual({ ready: false, reason: 'Deployment serve is scaled to 0' })
})
