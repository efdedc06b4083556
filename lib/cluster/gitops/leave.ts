import { setTimeout as sleep } from 'node:timers/promises'
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
  for (const one of [...controllerRefs, ...installed.toReversed()]) {
    ctx.signal.throwIfAborted()
    await kube.remove(one)
  }
  await gone(kube, [namespaceRef], ctx)
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
