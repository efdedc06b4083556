import { cluster } from '#lib/contract.ts'
import type { KubeObject } from '../object.ts'

export const kedaVersion = '2.20.2'

/** KEDA by Flux: ScaledJobs need the operator alone, neither the metrics server nor the webhooks (its CRDs refuse what is wrong by themselves). */
export const kedaObjects = (): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: cluster.keda, annotations: { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' } },
  },
  {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'HelmRepository',
    metadata: { name: 'kedacore', namespace: cluster.keda },
    spec: { interval: '24h', url: 'https://kedacore.github.io/charts' },
  },
  {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'keda', namespace: cluster.keda },
    spec: {
      interval: '1h',
      chart: { spec: { chart: 'keda', version: kedaVersion, sourceRef: { kind: 'HelmRepository', name: 'kedacore' } } },
      install: { crds: 'CreateReplace', remediation: { retries: 5 } },
      upgrade: { crds: 'CreateReplace', remediation: { retries: 5 } },
      values: {
        crds: { install: true },
        metricsServer: { enabled: false },
        webhooks: { enabled: false },
        // a node that comes up without a network still has it
        image: { pullPolicy: 'IfNotPresent' },
      },
    },
  },
]
