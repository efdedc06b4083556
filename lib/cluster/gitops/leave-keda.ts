import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import { gone, unknownKind } from '../components/gone.ts'
import type { Kube } from '../kube.ts'
import type { KubeObject } from '../types.ts'
import { isFluxThere } from './state.ts'
import { kustomizationRef } from './sync.ts'

const release = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: { name: 'keda', namespace: cluster.keda },
}
const kinds = [
  'scaledjobs',
  'scaledobjects',
  'triggerauthentications',
  'clustertriggerauthentications',
  'cloudeventsources.eventing',
  'clustercloudeventsources.eventing',
]

const operator = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'keda-operator', namespace: cluster.keda } }
const folder = kustomizationRef('keda')
const mark = cluster.takenAwayAnnotation

/**
 * Has Helm take KEDA away, which Flux's HelmRelease of ours has put there, and then what Helm leaves: the definitions and the namespace. One that was
 * interrupted goes on. A KEDA that came otherwise is somebody else's and stays; gives whether it was ours.
 */
export async function leaveKeda(ctx: ClusterContext): Promise<boolean> {
  const kube = await ctx.kube()
  const there = await kube.get(release, ctx.signal).catch(unknownKind)
  const goesOn = !there && (await isTakenAway(kube, ctx.signal)) && !(await kube.get(operator, ctx.signal))
  if (!there && !goesOn) return false
  if (!(await isFluxThere(kube, ctx.signal)))
    throw new RaibidError(
      'only Flux can take KEDA away, and it is not there: `just bootstrap --only flux`, then the same again; or `helm uninstall keda -n keda`',
    )
  // else Flux would make it again from the repository
  if (there) await kube.patch(folder, { metadata: { annotations: { [mark]: 'true' } }, spec: { suspend: true } })
  await kube.remove(release)
  const definitions = kinds.map((name) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${name}.keda.sh` },
  }))
  await gone(kube, [release], ctx)
  for (const one of definitions) await kube.remove(one)
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: cluster.keda } }
  await kube.remove(namespace)
  await gone(kube, [...definitions, namespace], ctx)
  return true
}

/** Whether it is us who suspended KEDA's folder. */
async function isTakenAway(kube: Kube, signal: AbortSignal): Promise<boolean> {
  const found = await kube.get<KubeObject>(folder, signal).catch(unknownKind)
  return Boolean(found?.metadata.annotations?.[mark])
}

/** Flux keeps KEDA again, where a teardown had it stop. */
export async function resumeKeda(kube: Kube, signal: AbortSignal): Promise<void> {
  if (await isTakenAway(kube, signal))
    await kube.patch(folder, { metadata: { annotations: { [mark]: null } }, spec: { suspend: null } })
}
