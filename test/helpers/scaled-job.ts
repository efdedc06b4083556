import type { ScaledJob } from '#lib/cluster/types.ts'
import { cluster, env } from '#lib/contract.ts'
import { keys } from '#lib/queue/keys.ts'

export interface PoolShape {
  pool: string
  namespace: string
  /** host:port of Redis. */
  address: string
  max: number
  warm?: number
  idleSeconds?: number
  image?: string
  deadlineSeconds?: number
  nodeName?: string
}

/** The ScaledJob of a pool as DESIGN §5 has it, with Redis on loopback and without a password. */
export function scaledJobOf({ pool, namespace, address, max, warm = 0, idleSeconds = 3, ...more }: PoolShape): ScaledJob {
  const labels = { [cluster.poolLabel]: pool }
  const podName = { fieldRef: { fieldPath: 'metadata.name' } }
  const container = {
    name: 'agent',
    image: more.image ?? 'raibid/agent:test',
    env: [
      { name: env.agent, valueFrom: podName },
      { name: env.pool, value: pool },
      { name: env.agentIdle, value: String(idleSeconds) },
      { name: env.redisUrl, value: 'redis://replaced-by-the-test' },
    ],
  }
  const metadata = { address, stream: keys.stream(pool), streamLength: '1', activationLagCount: '0' }
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: cluster.scaledJob(pool), namespace, labels },
    spec: {
      pollingInterval: 1,
      minReplicaCount: warm,
      maxReplicaCount: max,
      successfulJobsHistoryLimit: 50,
      failedJobsHistoryLimit: 50,
      rollout: { strategy: 'gradual' },
      triggers: [{ type: 'redis-streams', metadata }],
      jobTargetRef: {
        backoffLimit: 0,
        activeDeadlineSeconds: more.deadlineSeconds ?? 3600,
        template: {
          metadata: { labels },
          spec: {
            ...{ restartPolicy: 'Never', automountServiceAccountToken: false, terminationGracePeriodSeconds: 5 },
            ...(more.nodeName && { nodeName: more.nodeName }),
            containers: [container],
          },
        },
      },
    } as ScaledJob['spec'] & object,
  }
}
