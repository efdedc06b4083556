import { setTimeout as sleep } from 'node:timers/promises'
import { cluster } from '#lib/contract.ts'
import type { ClusterContext } from '../component.ts'
import { gone, unknownKind } from '../components/gone.ts'
import type { Kube } from '../kube.ts'
import { partsOf } from '../parts.ts'
import type { KubeObject, Ref } from '../types.ts'
import { isFluxOwned } from '../wish.ts'
import { controllerRefs, fluxObjects, namespaceRef } from './install.ts'
import { folders, kustomizationRef, rootName, syncObjects } from './sync.ts'

const labels = ['kustomize.toolkit.fluxcd.io/name', 'kustomize.toolkit.fluxcd.io/namespace']

/**
 * Takes Flux away, and leaves all that it keeps as it is: Kustomizations orphan what they made. The config repository stays at Gitea. Every object is
 * ours again afterwards.
 */
export async function leaveFlux(ctx: ClusterContext): Promise<void> {
  const kube = await ctx.kube()
  // what can't be had is said before anything is taken away
  const installed = await fluxObjects(ctx)
  const all = [rootName, ...Object.keys(folders)].map(kustomizationRef)
  for (const ref of all) await drop(kube, ref, ctx)
  for (const one of syncObjects().toReversed()) await drop(kube, one, ctx)
  for (const part of Object.values(partsOf(ctx.config, ctx.settings)))
    for (const one of part) {
      // what can't be asked must not stay Flux's: nobody would look after it any more
      const live = await kube.get<KubeObject>(one, ctx.signal).catch(unknownKind)
      if (live && isFluxOwned(live))
        await kube.patch(one, { metadata: { labels: Object.fromEntries(labels.map((label) => [label, null])) } })
    }
  for (const one of controllerRefs) await kube.remove(one)
  await idle(kube, ctx)
  await strip(kube, installed, ctx)
  for (const one of installed.toReversed()) {
    ctx.signal.throwIfAborted()
    await kube.remove(one)
  }
  await gone(kube, [namespaceRef, ...installed.filter(({ kind }) => kind === 'CustomResourceDefinition')], ctx)
}

/** Waits until no controller acts any more: one that saw its HelmRelease go would uninstall what is to stay. */
async function idle(kube: Kube, { signal, say }: ClusterContext): Promise<void> {
  for (let n = 0; n < 120; n++) {
    const { items } = await kube.list({ apiVersion: 'v1', kind: 'Pod', namespace: cluster.flux }, signal)
    if (!items.length) return
    say('waits until its controllers have ended')
    await sleep(500, undefined, { signal })
  }
}

/** Objects of Flux's kinds that are left wait for a controller that is gone, and their definitions for them. */
async function strip(kube: Kube, installed: readonly KubeObject[], { signal }: ClusterContext): Promise<void> {
  for (const one of installed.filter(({ kind }) => kind === 'CustomResourceDefinition')) {
    const { group, names, versions } = (one as unknown as Definition).spec
    const version = versions.find(({ storage }) => storage)!.name
    const kind = { apiVersion: `${group}/${version}`, kind: names.kind }
    const found = await kube.list<KubeObject>(kind, signal).catch(unknownKind)
    for (const { metadata } of found?.items ?? []) {
      await kube.patch({ ...kind, metadata }, { metadata: { finalizers: null } })
      await kube.remove({ ...kind, metadata })
    }
  }
}

interface Definition {
  spec: { group: string; names: { kind: string }; versions: { name: string; storage: boolean }[] }
}

/** Flux finishes what it has to finish; where it is not there any more, nobody does. */
async function drop(kube: Kube, ref: Ref, ctx: ClusterContext): Promise<void> {
  ctx.signal.throwIfAborted()
  if (!(await kube.remove(ref).catch(unknownKind))) return
  for (let n = 0; n < 40; n++) {
    if (!(await kube.get(ref, ctx.signal))) return
    await sleep(250, undefined, { signal: ctx.signal })
  }
  await kube.patch(ref, { metadata: { finalizers: null } })
}
