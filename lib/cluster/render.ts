import { join } from 'node:path'
import { stringify } from 'yaml'
import { root, type Config } from '#lib/config.ts'
import { cluster, env } from '#lib/contract.ts'
import { withConfigDigests } from './config-digest.ts'
import { configMap } from './config-map.ts'
import { kustomize } from './kustomize.ts'
import { nameOf, sorted, type KubeObject } from './object.ts'
import type { OverlayName } from './overlays.ts'
import { pinned, type Pins } from './pins.ts'
import { podSettings } from './pod-settings.ts'
import { quota } from './quota.ts'
import { containersOf } from './requests.ts'
import { scaledJob } from './scaled-job.ts'

/** Everything of raibid-ci that is applied to a cluster, but the Secrets: manifests/ by its overlay, and what raibid.yaml makes of it. */
export function render(config: Config, overlay: OverlayName, pins: Pins): KubeObject[] {
  const files = kustomize(join(root, 'manifests/overlays', overlay))
  const scaledJobs = Object.keys(config.pools).map((pool) => scaledJob(config, pool))
  const objects = [...files.map((one) => asServed(one, config)), ...scaledJobs]
  return sorted(pinned(withConfigDigests([...objects, configMap(config), quota(objects)]), pins))
}

/** `serve` as raibid.yaml has it: the image of the pool `default`, and no address of its node where there is a `publicUrl`. */
function asServed(object: KubeObject, config: Config): KubeObject {
  if (object.kind !== 'Deployment' || object.metadata.name !== cluster.serve) return object
  const copy = structuredClone(object)
  for (const container of containersOf(copy)) {
    container.image = podSettings(config, 'default').image
    if (config.publicUrl !== null) container.env = container.env?.filter(({ name }) => name !== env.publicUrl) ?? []
  }
  return copy
}

/** One document: without aliases and with nothing folded, so that the same objects are always the same text. */
const yaml = (content: unknown): string => stringify(content, { aliasDuplicateObjects: false, lineWidth: 0 })

/** All objects as one text for `kubectl apply --server-side -f -`. */
export const asYaml = (objects: readonly KubeObject[]): string => objects.map((one) => yaml(one)).join('---\n')

/** By the name of its file: one object each, and the kustomization that lists them (what Flux reads). */
export function asFiles(objects: readonly KubeObject[]): Record<string, string> {
  const named = objects.map((one) => [`${fileName(one)}.yaml`, yaml(one)] as const)
  const list = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: named.map(([name]) => name) }
  return {
    ...Object.fromEntries(named),
    'kustomization.yaml': `# Written by just manifests; it removes what it no longer writes.\n${yaml(list)}`,
  }
}

const fileName = (one: KubeObject): string =>
  nameOf(one)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
