import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { keys } from '#lib/queue/keys.ts'
import { agentLabels, agentPod, idleMs } from './agent-pod.ts'
import type { KubeObject } from './object.ts'
import { podSettings } from './pod-settings.ts'

/** Scheduling, pulling the image and starting, and around each build the clone and the last of the log. */
const startMs = 10 * 60_000
const aroundBuildMs = 5 * 60_000

/** Above what an agent can take that does its work: Kubernetes' last word on a pod that nothing else ended. */
export function deadlineSeconds(config: Config, pool: string): number {
  const perBuild = idleMs(config, pool) + podSettings(config, pool).longestBuildMs + aroundBuildMs
  return Math.ceil((startMs + config.agentMaxJobs * perBuild) / 1000)
}

/**
 * The ScaledJob of a pool (DESIGN §5): N entries in the stream give N agents, within `max`.
 *
 * KEDA takes `minReplicaCount` off both sides, the maximum and what runs, so min of them are there for nothing and `max − min` more for
 * entries: `maxReplicaCount` is the maximum of all, which is what `max` means. lib/pool/scaler.ts computes the same; a test compares them.
 */
export function scaledJob(config: Config, pool: string): KubeObject {
  const { max, warm } = config.pools[pool]!
  const labels = agentLabels(pool)
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: { name: cluster.scaledJob(pool), namespace: cluster.namespace, labels },
    spec: {
      pollingInterval: 1,
      minReplicaCount: warm,
      maxReplicaCount: max,
      successfulJobsHistoryLimit: 2,
      failedJobsHistoryLimit: 5,
      // Anything else deletes running builds at the next edit.
      rollout: { strategy: 'gradual' },
      // No scalingStrategy: the default, entries − unfinished Jobs. (Written out, KEDA 2.20.0 and 2.20.1 refuse it.)
      triggers: [
        {
          type: 'redis-streams',
          // Without a consumer group the count is XLEN: what waits and what runs. 0: a single entry wakes it.
          metadata: { address: cluster.redisAddress, stream: keys.stream(pool), streamLength: '1', activationLagCount: '0' },
          authenticationRef: { name: cluster.triggerAuthentication },
        },
      ],
      jobTargetRef: {
        parallelism: 1,
        completions: 1,
        // The queue repeats what has to be repeated.
        backoffLimit: 0,
        activeDeadlineSeconds: deadlineSeconds(config, pool),
        template: { metadata: { labels }, spec: agentPod(config, pool) },
      },
    },
  }
}
