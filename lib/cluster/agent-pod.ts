import type { Config } from '#lib/config.ts'
import { agentNodeFlags, cluster, env } from '#lib/contract.ts'
import { podSettings, type PodSettings } from './pod-settings.ts'
import { cpuText, millicores } from './quantity.ts'

const home = '/home/agent'
const configFolder = '/etc/raibid'
const cacheFolder = '/var/cache/raibid'

/** On everything that belongs to the agents of a pool; network policies and `serve` know them by these. */
export const agentLabels = (pool: string): Record<string, string> => ({ [cluster.nameLabel]: 'agent', [cluster.poolLabel]: pool })

/** How long an agent of a pool waits for work. Locally each warm one draws its own 10–15 min; a spec is one for all, so the middle. */
export const idleMs = (config: Config, pool: string): number => (config.pools[pool]?.warm ? 750_000 : config.agentIdleMs)

/** The pod of one agent: no root, no capability, no token, nothing to write to but what goes with it. */
export function agentPod(config: Config, pool: string): Record<string, unknown> {
  const settings = podSettings(config, pool)
  const { cache } = settings
  return {
    serviceAccountName: cluster.agentServiceAccount,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Never',
    // At SIGTERM an agent gives its job back: its steps end within 2 s, then the last of the log.
    terminationGracePeriodSeconds: 30,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(settings.gpu && { runtimeClassName: 'nvidia' }),
    ...(Object.keys(settings.nodeSelector).length && { nodeSelector: settings.nodeSelector }),
    containers: [container(config, pool, settings)],
    volumes: [
      { name: 'config', configMap: { name: cluster.config } },
      { name: 'home', emptyDir: { sizeLimit: settings.disk } },
      { name: 'tmp', emptyDir: { sizeLimit: settings.disk } },
      ...(cache ? [{ name: 'cache', persistentVolumeClaim: { claimName: cache.claim, readOnly: cache.readOnly } }] : []),
    ],
  }
}

// No probes: what kubelet would kill for one is a build. That an agent hangs is seen by its beat, wherever it runs.
function container(config: Config, pool: string, settings: PodSettings): Record<string, unknown> {
  const secret = (name: string, key: string) => ({ secretKeyRef: { name, key } })
  const optional = (key: string) => ({ secretKeyRef: { name: cluster.agentSecret, key, optional: true } })
  return {
    name: cluster.agentContainer,
    image: settings.image,
    imagePullPolicy: 'IfNotPresent',
    // The image's entry point (agent/start.sh) hides the secrets below from builds, and is an init; these are its arguments.
    args: ['node', ...agentNodeFlags, 'agent/main.ts'],
    workingDir: cluster.imageFolder,
    env: [
      { name: env.agent, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: env.pool, value: pool },
      { name: env.redisUrl, valueFrom: secret(cluster.redisAppSecret, 'url') },
      { name: env.agentIdle, value: String(Math.ceil(idleMs(config, pool) / 1000)) },
      // before the deadline of the Job: that one only makes the agent give the job back, and the next would try it just as long
      { name: env.longestBuild, value: String(Math.ceil(settings.longestBuildMs / 1000)) },
      { name: env.home, value: `${home}/raibid` },
      ...(settings.cache ? [{ name: env.cache, value: cacheFolder }] : []),
      { name: env.config, value: `${configFolder}/raibid.yaml` },
      { name: env.secretKey, valueFrom: optional('secret-key') },
      { name: env.gitCredentials, valueFrom: optional('git-credentials') },
      ...Object.entries(settings.env).map(([name, value]) => ({ name, value })),
    ],
    resources: resources(settings),
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'config', mountPath: configFolder, readOnly: true },
      { name: 'home', mountPath: home },
      { name: 'tmp', mountPath: '/tmp' },
      ...(settings.cache ? [{ name: 'cache', mountPath: cacheFolder, readOnly: settings.cache.readOnly }] : []),
    ],
  }
}

function resources({ cpu, cpuLimit, memory, disk, gpu }: PodSettings): Record<string, unknown> {
  const kept = { memory, 'ephemeral-storage': disk, ...(gpu && { 'nvidia.com/gpu': String(gpu) }) }
  return {
    requests: { cpu: cpuText(millicores(cpu)), ...kept },
    limits: { ...(cpuLimit && { cpu: cpuText(millicores(cpuLimit)) }), ...kept },
  }
}
