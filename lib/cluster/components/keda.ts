import { parseAllDocuments } from 'yaml'
import { cluster } from '#lib/contract.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import { kedaVersion } from '../gitops/keda-objects.ts'
import { RaibidError } from '#lib/errors.ts'
import { leaveKeda, resumeKeda } from '../gitops/leave-keda.ts'
import { isFluxThere, requestSync } from '../gitops/state.ts'
import type { KubeObject } from '../object.ts'
import { releaseFile } from '../release-file.ts'
import { kedaInstall } from '../releases.ts'
import type { Condition, KubeObject as Live } from '../types.ts'
import { hasCondition } from '../wait.ts'
import { workloadState } from '../workload.ts'
import { put } from './change.ts'
import { logsOf } from './logs.ts'
import { recordFirstUse } from './pins.ts'

const operator = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'keda-operator', namespace: cluster.keda } }
const release = {
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: { name: 'keda', namespace: cluster.keda },
}
/** The kinds that pools are made of. */
const definitions = ['scaledjobs.keda.sh', 'triggerauthentications.keda.sh'].map((name) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name },
}))

async function check(ctx: ClusterContext): Promise<Finding> {
  const kube = await ctx.kube()
  const [there, ...kinds] = await Promise.all([operator, ...definitions].map((ref) => kube.get<Live>(ref, ctx.signal)))
  if (!there && kinds.every((one) => one === null)) return { state: 'absent', ...(await whyHelmWaits(ctx)) }
  const lacking = definitions.find((_, i) => !hasCondition('Established')(kinds[i]!))
  if (lacking) return { state: 'degraded', reason: `${lacking.metadata.name} is not there yet`, ...(await whyHelmWaits(ctx)) }
  const { ready, reason = '', evidence = [] } = await workloadState(kube, operator, ctx.signal)
  if (!ready) return { state: 'degraded', reason, evidence }
  return { state: 'healthy', reason: (await isFluxThere(kube, ctx.signal)) ? `${kedaVersion}, by Flux` : kedaVersion }
}

/** What Flux says of the chart, where Flux is to install it. */
async function whyHelmWaits(ctx: ClusterContext): Promise<Partial<Finding>> {
  const kube = await ctx.kube()
  const found = await kube.get<Live>(release, ctx.signal).catch(() => null)
  const conditions = (found?.status as { conditions?: Condition[] } | undefined)?.conditions ?? []
  const ready = conditions.find(({ type }) => type === 'Ready')
  return ready && ready.status !== 'True' ? { reason: `HelmRelease keda: ${ready.message ?? ready.reason ?? 'not ready'}` } : {}
}

/** Without Flux: the release's own files, but what ScaledJobs don't need. */
export function operatorOnly(text: string): KubeObject[] {
  const objects = parseAllDocuments(text).map((one) => one.toJS({ maxAliasCount: 0 }) as KubeObject | null)
  const isOther = (name: string): boolean => /metrics-apiserver|admission|external-metrics|webhook/.test(name)
  return objects.filter(
    (one): one is KubeObject =>
      Boolean(one?.kind && one.metadata?.name) && one!.kind !== 'APIService' && !isOther(one!.metadata.name),
  )
}

async function released(ctx: ClusterContext): Promise<KubeObject[]> {
  const texts = []
  const all = kedaInstall.map((url) => ({ url, name: url.split('/').at(-1)! }))
  // most installations never ask for these: Flux has the chart
  await recordFirstUse(ctx, all)
  for (const { url, name } of all) texts.push(await releaseFile(url, name, ctx))
  return texts.flatMap(operatorOnly)
}

export const keda: Component = {
  name: 'keda',
  title: 'KEDA, which starts agents',
  // Flux installs it, where there is one; `--skip flux` has it applied from its release
  needs: ['redis', 'flux'],
  settlesWithinMs: 600_000,
  check,
  async plan(ctx) {
    const isThere = await ctx
      .kube()
      .then((kube) => isFluxThere(kube, ctx.signal))
      .catch(() => true)
    return isThere
      ? [
          `have Flux install KEDA ${kedaVersion}: the operator alone, by its chart`,
          `wait for ${definitions.map(({ metadata }) => metadata.name).join(', ')}`,
        ]
      : [`apply KEDA ${kedaVersion} from its release: definitions and the operator`]
  },
  async apply(ctx) {
    const kube = await ctx.kube()
    // its HelmRelease is in the config repository
    if (await isFluxThere(kube, ctx.signal)) {
      await resumeKeda(kube, ctx.signal)
      return requestSync(kube)
    }
    for (const one of await released(ctx)) await put(kube, one, ctx)
  },
  async remove(ctx) {
    if (await leaveKeda(ctx)) return
    const kube = await ctx.kube()
    const live = await kube.get<Live & { metadata: { managedFields?: { manager?: string }[] } }>(operator, ctx.signal)
    if (live && !live.metadata.managedFields?.some(({ manager }) => manager === cluster.fieldManager))
      throw new RaibidError('KEDA stays: bootstrap did not put it there')
    for (const one of (await released(ctx)).toReversed()) await kube.remove(one)
  },
  async *logs(ctx, options) {
    yield* logsOf(await ctx.kube(), [operator], options, ctx.signal)
  },
}
