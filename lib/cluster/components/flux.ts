import { setTimeout as sleep } from 'node:timers/promises'
import { cluster } from '#lib/contract.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import { accessSteps } from '../gitops/access.ts'
import { fleetFiles } from '../gitops/fleet.ts'
import { controllerRefs, controllers, fluxObjects, namespaceRef } from '../gitops/install.ts'
import { leaveFlux } from '../gitops/leave.ts'
import { isEmpty, mergePlan, readRecord, recordFile, type Merge } from '../gitops/merge.ts'
import { commitTo } from '../gitops/repository.ts'
import { requestSync, syncFinding } from '../gitops/state.ts'
import { sourceRef, syncObjects } from '../gitops/sync.ts'
import { mustLogin } from '../gitea-login.ts'
import { nameOf, type KubeObject } from '../object.ts'
import { workloadState } from '../workload.ts'
import { changeOf, put, sentence } from './change.ts'
import { logsOf } from './logs.ts'

/** What differs between our wish and the cluster, of these objects. */
async function changes(ctx: ClusterContext, objects: readonly KubeObject[]) {
  const kube = await ctx.kube()
  const found = await Promise.all(objects.map((one) => changeOf(kube, one, ctx.signal)))
  return found.filter((one) => one !== null)
}

/** What we would push, and the commit that is there. */
async function pending(
  ctx: ClusterContext,
  place: Parameters<typeof commitTo>[0],
): Promise<{ merge: Merge; head: string | null }> {
  let merge: Merge | undefined
  const rendered = fleetFiles(ctx.config, ctx.settings)
  const head = await commitTo(place, (there) => {
    merge = mergePlan(rendered, readRecord(there[recordFile]), there)
    return null
  })
  return { merge: merge!, head }
}

const pushText = ({ write, remove }: Merge): string => {
  const names = [...Object.keys(write), ...remove]
  return `${names.length} file${names.length === 1 ? '' : 's'} of ${cluster.configOwner}/${cluster.configRepo}: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`
}

async function check(ctx: ClusterContext): Promise<Finding> {
  const kube = await ctx.kube()
  // the namespace goes last: as long as it is there, so may be all the rest
  const there = await Promise.all([...controllerRefs, namespaceRef].map((ref) => kube.get(ref, ctx.signal)))
  if (there.every((one) => one === null)) return { state: 'absent' }
  for (const ref of controllerRefs) {
    const { ready, reason = '', evidence = [] } = await workloadState(kube, ref, ctx.signal)
    if (!ready) return { state: 'degraded', reason, evidence }
  }
  const wrong = (await changes(ctx, [...(await fluxObjects(ctx)), ...syncObjects()])).map(sentence)
  if (wrong.length) return { state: 'degraded', reason: wrong[0]!, evidence: wrong }
  const admin = await mustLogin(ctx)
  const lacks = (await accessSteps(kube, admin, ctx.signal)).map(({ why }) => why)
  if (lacks.length) return { state: 'degraded', reason: lacks[0]!, evidence: lacks }
  const { merge, head } = await pending(ctx, admin)
  if (!isEmpty(merge)) return { state: 'degraded', reason: `not pushed yet: ${pushText(merge)}` }
  return syncFinding(kube, ctx.signal, head)
}

export const flux: Component = {
  name: 'flux',
  title: 'Flux, which makes the cluster what the config repository says',
  needs: ['redis', 'gitea-setup', 'pins'],
  settlesWithinMs: 600_000,
  check,
  async plan(ctx, { state }) {
    if (state === 'absent')
      return [
        `install ${controllers.join(', ')} into ${cluster.flux}`,
        `make a user flux at Gitea, with a token that reads ${cluster.configRepo} and one that says what became of its commits`,
        `push ${Object.keys(fleetFiles(ctx.config, ctx.settings)).length} files to ${cluster.configOwner}/${cluster.configRepo}, unless they are there`,
        ...syncObjects().map((one) => `apply ${nameOf(one)}`),
      ]
    const kube = await ctx.kube()
    const admin = await mustLogin(ctx)
    const { merge } = await pending(ctx, admin)
    const steps = [
      ...(await changes(ctx, [...(await fluxObjects(ctx)), ...syncObjects()])).map((one) => `apply ${sentence(one)}`),
      ...(await accessSteps(kube, admin, ctx.signal)).map(({ why }) => `mend: ${why}`),
      ...(isEmpty(merge) ? [] : [`push ${pushText(merge)}`]),
    ]
    return steps.length ? steps : ['have Flux look again, and wait for it']
  },
  async apply(ctx) {
    const kube = await ctx.kube()
    for (const one of await fluxObjects(ctx)) await put(kube, one, ctx)
    const admin = await mustLogin(ctx)
    for (const step of await accessSteps(kube, admin, ctx.signal)) {
      ctx.say(step.why)
      await step.do()
    }
    ctx.say('pushes to the config repository')
    const rendered = fleetFiles(ctx.config, ctx.settings)
    await commitTo(admin, (there) => {
      const merge = mergePlan(rendered, readRecord(there[recordFile]), there)
      return isEmpty(merge) ? null : { ...merge, message: 'What raibid.yaml asks for' }
    })
    await known(ctx)
    for (const one of syncObjects()) await put(kube, one, ctx)
    await requestSync(kube)
  },
  remove: leaveFlux,
  async *logs(ctx, options) {
    yield* logsOf(await ctx.kube(), controllerRefs, options, ctx.signal)
  },
}

/** A definition of kinds is served a moment after it is there. */
async function known({ kube, signal }: ClusterContext): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      return void (await (await kube()).get(sourceRef, signal))
    } catch (error) {
      if (n === 40) throw error
      await sleep(250, undefined, { signal })
    }
  }
}
