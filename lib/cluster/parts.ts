import { join } from 'node:path'
import { root, type Config, type Forge } from '#lib/config.ts'
import { repositoryPolicies } from '#lib/config-repositories.ts'
import { cluster } from '#lib/contract.ts'
import type { Settings } from './component.ts'
import { kustomize } from './kustomize.ts'
import { nameOf, type KubeObject } from './object.ts'
import { readPins } from './pins.ts'
import { presets, type Preset } from './presets.ts'
import { render } from './render.ts'

export const partNames = ['namespaces', 'redis', 'postgres', 'gitea', 'pools', 'serve'] as const
export type Part = (typeof partNames)[number]

/** All that `just manifests` renders, by what installs it; volumes and agents as large as the preset says where raibid.yaml says nothing. */
export function partsOf(config: Config, { preset }: Pick<Settings, 'preset'>): Record<Part, KubeObject[]> {
  const size = presets[preset]
  const objects = render(withGitea(sized(config, size)), size.overlay, readPins()).map((one) => withVolume(one, size.volumes))
  const parts = Object.fromEntries(partNames.map((name) => [name, [] as KubeObject[]])) as Record<Part, KubeObject[]>
  const stores = (['redis', 'postgres', 'gitea'] as const).map(
    (name) => [name, new Set(kustomize(join(root, 'manifests/base', name)).map(nameOf))] as const,
  )
  for (const one of objects) parts[stores.find(([, names]) => names.has(nameOf(one)))?.[0] ?? partOf(one)].push(one)
  return parts
}

/** Of what is in no store's folder. */
function partOf({ kind, metadata }: KubeObject): Part {
  if (kind === 'Namespace' || kind === 'LimitRange' || kind === 'ResourceQuota' || metadata.name === 'default-deny')
    return 'namespaces'
  return metadata.name === cluster.serve || metadata.name === 'raibid-serve' || metadata.name === cluster.config
    ? 'serve'
    : 'pools'
}

/** The agents of a pool ask for what the preset has, unless raibid.yaml says something else. */
const sized = (config: Config, { agent }: Preset): Config => ({
  ...config,
  pods: Object.fromEntries(
    Object.keys(config.pools).map((pool) => {
      const file = config.pods[pool] ?? {}
      return [pool, { ...file, cpu: file.cpu ?? agent.cpu, memory: file.memory ?? agent.memory }]
    }),
  ),
})

/** serve knows the cluster's own Gitea, unless raibid.yaml names another; what is pushed to the config repository is Flux's business. */
function withGitea(config: Config): Config {
  const { configOwner, configRepo, giteaAddress } = cluster
  const own: Forge = { kind: 'gitea', url: `http://${giteaAddress}`, aliases: [], token: () => '' }
  const fleet = repositoryPolicies([{ match: `${configOwner}/${configRepo}`, enabled: false }], [], [])
  return {
    ...config,
    forges: config.forges.some(({ kind, noted }) => kind === 'gitea' && !noted) ? config.forges : [...config.forges, own],
    repositories: [...fleet, ...config.repositories],
  }
}

/** A copy whose volume has the size of the preset. */
function withVolume(object: KubeObject, volumes: Preset['volumes']): KubeObject {
  const size = volumes[object.metadata.name as keyof Preset['volumes']]
  const copy = structuredClone(object) as KubeObject & { spec?: Claiming }
  const claim = claimOf(copy)
  if (size && claim) claim.resources.requests.storage = size
  return copy
}

interface Claim {
  resources: { requests: { storage: string } }
}
interface Claiming {
  volumeClaimTemplates?: { spec: Claim }[]
}

/** What an object asks for as its volume; undefined for one that has none of its own. */
export const claimOf = ({ kind, spec }: { kind: string; spec?: unknown }): Claim | undefined =>
  kind === 'PersistentVolumeClaim'
    ? (spec as Claim)
    : kind === 'StatefulSet'
      ? (spec as Claiming).volumeClaimTemplates?.[0]?.spec
      : undefined
