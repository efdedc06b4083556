import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import type { Kube } from '../kube.ts'
import { nameOf, type KubeObject } from '../object.ts'
import { podOf } from '../requests.ts'
import type { Secret, SecretOptions } from '../secret.ts'
import type { Ref } from '../types.ts'
import { workloadState, type WorkloadState } from '../workload.ts'
import { changeOf, sentence } from './change.ts'
import { logsOf } from './logs.ts'

/** A component that is nothing but objects in the cluster. */
export interface Applied extends Omit<Component, 'check' | 'plan' | 'apply' | 'remove' | 'logs'> {
  /** What is applied, in order. */
  objects(ctx: ClusterContext): KubeObject[]
  /** Made once, and what exists is kept: the function is given it. */
  secrets?(options: SecretOptions): Secret[]
  /** Secrets of others, in which the function finds again what is lost of its own. */
  knownBy?: readonly Ref[]
  /** What goes with it besides, when it is removed: the volumes of a StatefulSet, which no manifest names. */
  besides?: readonly Ref[]
  /** Asked when all is there and ready: does it also answer? */
  answers?(ctx: ClusterContext): Promise<Finding>
}

/** The whole component: absent without any of its objects, degraded with what is missing, changed or not ready, else healthy. */
export function applied(spec: Applied): Component {
  const { objects, secrets = () => [], knownBy = [], besides = [], answers, ...rest } = spec
  const lackingSecrets = (kube: Kube, signal: AbortSignal) => wantedSecrets(kube, secrets, knownBy, signal)

  async function check(ctx: ClusterContext): Promise<Finding> {
    const kube = await ctx.kube()
    const list = objects(ctx)
    const [changes, missing] = [
      await Promise.all(list.map((one) => changeOf(kube, one, ctx.signal))),
      await lackingSecrets(kube, ctx.signal),
    ]
    const owned = list.filter(({ kind }) => kind !== 'Namespace')
    if (
      changes.every((one) => one?.is === 'new') ||
      (owned.length && owned.every((one) => changes[list.indexOf(one)]?.is === 'new'))
    )
      return { state: 'absent' }
    const wrong = changes.flatMap((one) => (one ? [sentence(one)] : [])).concat(missing.map(({ why }) => why))
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
      const lacking = await lackingSecrets(kube, ctx.signal)
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
      const namespaces = list.filter(({ kind }) => kind === 'Namespace')
      for (const one of namespaces) await applyOne(kube, one, ctx)
      for (const { secret } of await lackingSecrets(kube, ctx.signal)) await kube.apply(secret, { force: true })
      for (const one of list.filter((one) => !namespaces.includes(one))) await applyOne(kube, one, ctx)
    },
    async remove(ctx) {
      const kube = await ctx.kube()
      const all: Ref[] = [...objects(ctx).toReversed(), ...secrets({ random: randomBytes }), ...besides]
      for (const one of all) await kube.remove(one).catch(unknownKind)
      await gone(kube, all, ctx)
    },
    async *logs(ctx, options) {
      yield* logsOf(await ctx.kube(), objects(ctx).filter(makesPods), options, ctx.signal)
    },
  }
}

const makesPods = (one: KubeObject): boolean => podOf(one) !== undefined && ['Deployment', 'StatefulSet'].includes(one.kind)
const more = ([first = '', ...others]: readonly string[]): string =>
  others.length ? `${first}, and ${others.length} more` : first

function found(states: readonly WorkloadState[]): Finding | undefined {
  const wrong = states.find(({ ready }) => !ready)
  return wrong && { state: 'degraded', reason: wrong.reason ?? 'not ready', evidence: wrong.evidence ?? [] }
}

async function applyOne(kube: Kube, one: KubeObject, { signal, say }: ClusterContext): Promise<void> {
  signal.throwIfAborted()
  const change = await changeOf(kube, one, signal)
  if (!change) return
  say(`applies ${nameOf(one)}`)
  await kube.apply(change.wish, { force: true })
}

/** The Secrets that lack something or hold something else than they must, whole, and why. */
async function wantedSecrets(kube: Kube, make: NonNullable<Applied['secrets']>, knownBy: readonly Ref[], signal: AbortSignal) {
  const names: Ref[] = [...make({ random: randomBytes }), ...knownBy]
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

/** What defines a kind may be gone already, and the objects with it. */
function unknownKind(error: unknown): void {
  if (!(error instanceof RaibidError) || !error.message.includes(' knows no ')) throw error
}

async function gone(kube: Kube, refs: readonly Ref[], { signal, say }: ClusterContext): Promise<void> {
  for (const end = performance.now() + 90_000; ; await sleep(500, undefined, { signal })) {
    const left: Ref[] = []
    for (const one of refs) if (await kube.get(one, signal).catch(() => null)) left.push(one)
    if (!left.length) return
    say(`waits until ${left[0]!.kind} ${left[0]!.metadata.name} is gone`)
    if (performance.now() > end)
      throw new RaibidError(`${left.map((one) => `${one.kind} ${one.metadata.name}`).join(', ')} did not go within 90 s`)
  }
}
