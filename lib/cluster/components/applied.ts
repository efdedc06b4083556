import { randomBytes } from 'node:crypto'
import type { ClusterContext, Component, Finding } from '../component.ts'
import type { Kube } from '../kube.ts'
import { nameOf, type KubeObject } from '../object.ts'
import { podOf } from '../requests.ts'
import type { Secret, SecretOptions } from '../secret.ts'
import type { Ref } from '../types.ts'
import { workloadState, type WorkloadState } from '../workload.ts'
import { changeOf, put, sentence, type Change } from './change.ts'
import { gone, unknownKind } from './gone.ts'
import { logsOf } from './logs.ts'

/** A component that is nothing but objects in the cluster. */
export interface Applied extends Omit<Component, 'check' | 'plan' | 'apply' | 'remove' | 'logs'> {
  /** What is applied, in order. */
  objects(ctx: ClusterContext): KubeObject[]
  /** Made once, and what exists is kept: the function is given it. */
  secrets?(options: SecretOptions): Secret[]
  /** Secrets of others that are read, too: what one has lost another may know. */
  knows?: readonly Ref[]
  /** Of its Secrets those that another component has made, and takes away. */
  others?: readonly string[]
  /** What goes with it besides, when it is removed: the volumes of a StatefulSet, which no manifest names. */
  besides?: readonly Ref[]
  /** Asked when all is there and ready: does it also answer? */
  answers?(ctx: ClusterContext): Promise<Finding>
}

/** The whole component: absent without any of its objects, degraded with what is missing, changed or not ready, else healthy. */
export function applied(spec: Applied): Component {
  const { objects, secrets = () => [], knows = [], others = [], besides = [], answers, ...rest } = spec

  async function check(ctx: ClusterContext): Promise<Finding> {
    const kube = await ctx.kube()
    const list = objects(ctx)
    const [changes, missing] = [
      await Promise.all(list.map((one) => changeOf(kube, one, ctx.signal))),
      await wantedSecrets(kube, secrets, knows, ctx.signal),
    ]
    // a namespace may be somebody else's; one that goes is not gone
    const owned = list.filter((one) => !isNamespace(one))
    const none = (of: readonly KubeObject[]): boolean => of.every((one) => changes[list.indexOf(one)]?.is === 'new')
    if (none(list) || (owned.length && none(owned) && !changes.some((one) => one?.is === 'going'))) return { state: 'absent' }
    // what holds up the others comes first
    const rank = (one: Change): number => (one.is === 'going' ? 0 : 1)
    const other = changes.filter((one) => one !== null).toSorted((a, b) => rank(a) - rank(b))
    const wrong = other.map(sentence).concat(missing.map(({ why }) => why))
    if (wrong.length) return { state: 'degraded', reason: more(wrong), evidence: wrong }
    const states = await Promise.all(list.filter(makesPods).map((one) => workloadState(kube, one, ctx.signal)))
    return found(states) ?? (await answers?.(ctx)) ?? { state: 'healthy' }
  }

  return {
    ...rest,
    check,
    async plan(ctx, { state }) {
      const list = objects(ctx)
      const names = (state === 'absent' ? secrets({ random: randomBytes }) : []).map(nameOf)
      const making = names.length ? [`make ${names.join(', ')}, unless they exist`] : []
      if (state === 'absent') return [...making, ...list.map((one) => `apply ${nameOf(one)}`)]
      const kube = await ctx.kube()
      const changes = await Promise.all(list.map((one) => changeOf(kube, one, ctx.signal)))
      const lacking = await wantedSecrets(kube, secrets, knows, ctx.signal)
      const steps = changes.flatMap((one, i) => (one ? [`apply ${nameOf(list[i]!)}: ${sentence(one)}`] : []))
      return [
        ...lacking.map(({ secret }) => `complete ${nameOf(secret)}`),
        ...steps,
        ...(steps.length ? [] : ['wait until it is ready']),
      ]
    },
    async apply(ctx) {
      const kube = await ctx.kube()
      const list = objects(ctx)
      // a Secret goes into a namespace, and is read by what comes after
      const namespaces = list.filter(isNamespace)
      for (const one of namespaces) await put(kube, one, ctx)
      for (const { secret } of await wantedSecrets(kube, secrets, knows, ctx.signal)) await kube.apply(secret, { force: true })
      for (const one of list.filter((one) => !namespaces.includes(one))) await put(kube, one, ctx)
    },
    async remove(ctx) {
      const kube = await ctx.kube()
      const own = secrets({ random: randomBytes }).filter(({ metadata }) => !others.includes(metadata.name))
      // the objects last: as long as one of them is there, whoever was interrupted finds that something is left
      const last = objects(ctx).toReversed()
      const all: Ref[] = [...besides, ...own, ...last.filter(isNamespace), ...last.filter((one) => !isNamespace(one))]
      for (const one of all) {
        // a person who says stop means the next one, too
        ctx.signal.throwIfAborted()
        await kube.remove(one).catch(unknownKind)
      }
      await gone(kube, all, ctx)
    },
    async *logs(ctx, options) {
      yield* logsOf(await ctx.kube(), objects(ctx).filter(makesPods), options, ctx.signal)
    },
  }
}

const isNamespace = ({ kind }: KubeObject): boolean => kind === 'Namespace'
const makesPods = (one: KubeObject): boolean => podOf(one) !== undefined && ['Deployment', 'StatefulSet'].includes(one.kind)
const more = ([first = '', ...others]: readonly string[]): string =>
  others.length ? `${first}, and ${others.length} more` : first

function found(states: readonly WorkloadState[]): Finding | undefined {
  const wrong = states.find(({ ready }) => !ready)
  return wrong && { state: 'degraded', reason: wrong.reason ?? 'not ready', evidence: wrong.evidence ?? [] }
}

/** The Secrets that lack something or hold something else than they must, whole, and why. */
async function wantedSecrets(kube: Kube, make: NonNullable<Applied['secrets']>, knows: readonly Ref[], signal: AbortSignal) {
  const names: Ref[] = [...make({ random: randomBytes }), ...knows]
  const existing = (await Promise.all(names.map((one) => kube.get<Secret & Ref>(one, signal)))).filter((one) => one !== null)
  const wanted = make({ random: randomBytes, existing })
  return wanted.flatMap((secret) => {
    const there = existing.find(
      ({ metadata }) => metadata.name === secret.metadata.name && metadata.namespace === secret.metadata.namespace,
    )
    if (!there) return [{ secret, why: `${nameOf(secret)} is missing` }]
    const other = Object.keys(secret.data).filter((key) => there.data?.[key] !== secret.data[key])
    return other.length ? [{ secret, why: `${nameOf(secret)} was changed: ${other.join(', ')}` }] : []
  })
}
