import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import { isForbidden, isMissing } from '../api-error.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import { doings, nodeAddress, type Doing } from '../k3s/do.ts'
import { at, corednsCustom } from '../k3s/files.ts'
import { journalOf } from '../k3s/journal.ts'
import { removeK3s } from '../k3s/remove.ts'
import { seeK3s } from '../k3s/seen.ts'
import { steps, type Step } from '../k3s/steps.ts'
import { kubeconfigPath } from '../kubeconfig-file.ts'
import { knownReleases, type Pins } from '../pins.ts'
import { reasonsOf } from '../reasons.ts'
import { kinds, type Condition, type KubeObject } from '../types.ts'

interface Node extends KubeObject {
  status?: { conditions?: Condition[]; nodeInfo?: { kubeletVersion?: string } }
}

/** What the nodes say. An account that may not see them has reached the API server all the same. */
async function nodes(ctx: ClusterContext): Promise<Finding> {
  const kube = await ctx.kube()
  try {
    const { items } = await kube.list<Node>(kinds.node, ctx.signal)
    const isReady = ({ status }: Node): boolean =>
      (status?.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')
    const tired = items.filter((one) => !isReady(one))
    const names = tired.map(({ metadata }) => metadata.name).join(', ')
    if (!items.length) return { state: 'degraded', reason: 'the cluster has no node yet' }
    if (tired.length)
      return { state: 'degraded', reason: `not ready: ${names}`, evidence: tired.flatMap((one) => reasonsOf(one)) }
    const versions = [...new Set(items.map(({ status }) => status?.nodeInfo?.kubeletVersion).filter(Boolean))]
    return {
      state: 'healthy',
      reason: `${versions.join(', ')}, ${items.length} node${items.length === 1 ? '' : 's'} at ${kube.server}`,
    }
  } catch (error) {
    if (!isForbidden(error)) throw error
    return { state: 'healthy', reason: `${kube.server} answers; this account may not see its nodes` }
  }
}

async function corednsThere(ctx: ClusterContext): Promise<boolean> {
  const kube = await ctx.kube()
  try {
    const wanted = corednsCustom(await nodeAddress(ctx))
    const live = await kube.get<KubeObject & { data?: Record<string, string> }>(wanted, ctx.signal)
    return live?.data?.['raibid.server'] === wanted.data['raibid.server']
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

export interface K3sOptions {
  pins?: (home: string) => Pins
  env?: NodeJS.ProcessEnv
  withinMs?: number
}

/** k3s on this machine; or the cluster that was named, which is only looked at. */
export function k3sComponent({ pins = knownReleases, env = process.env, withinMs = 120_000 }: K3sOptions = {}): Component {
  async function pending(ctx: ClusterContext): Promise<Step[]> {
    const seen = await seeK3s(ctx.host, ctx.settings, env)
    const all = steps(seen, ctx.settings, kubeconfigPath(env))
    // it is only asked where there is something to ask
    const coredns = all.length === 1 && all[0]!.name === 'coredns' && (await corednsThere(ctx).catch(() => false))
    return coredns ? [] : all
  }
  return {
    name: 'k3s',
    title: 'k3s',
    // without pins it says so itself; a cluster that was named needs none
    needs: ['machine'],
    withoutCluster: true,
    settlesWithinMs: 180_000,
    losesData: `the cluster with all its Secrets and objects; the volumes stay in ${at.volumes}, for a person to remove`,
    async check(ctx) {
      if (ctx.settings.existing) return nodes(ctx)
      const { there, unit, ours, version, active } = await seeK3s(ctx.host, ctx.settings, env)
      const todo = await pending(ctx)
      if (!there || (unit && !ours && todo.some(({ name }) => name === 'kubeconfig')))
        return {
          state: 'absent',
          ...(there && {
            reason: `a k3s ${version ?? ''} that was here before is taken as it is; the way to it is not noted yet`,
          }),
        }
      if (!active) return { state: 'degraded', reason: 'its service does not run', evidence: await lastLines(ctx) }
      if (todo.length) return { state: 'degraded', reason: `to do: ${todo.map(({ text }) => text).join('; ')}` }
      const found = await nodes(ctx)
      return ours || found.state !== 'healthy'
        ? found
        : { ...found, reason: `${found.reason}; it was here before, and is taken as it is` }
    },
    async plan(ctx) {
      if (ctx.settings.existing) return ['nothing: the cluster that was named is not ours to mend']
      return (await pending(ctx)).map(({ text }) => text)
    },
    async apply(ctx) {
      if (ctx.settings.existing) {
        const { reason } = await nodes(ctx)
        throw new RaibidError(`the cluster that was named is not ours to mend: ${reason}`)
      }
      if (ctx.host.root === '/' && process.getuid?.() !== 0)
        throw new RaibidError(
          'k3s is installed as root: run `sudo -E just bootstrap`, or name a cluster that is there (--kubeconfig)',
        )
      const { unit, ours } = await seeK3s(ctx.host, ctx.settings, env)
      if (!unit && !ours)
        throw new RaibidError(`${at.config} is there, and not ours, but no service: move it away, or start that k3s`)
      const doing: Doing = { ctx, pins: () => pins(ctx.home), env, withinMs }
      for (const { name, text } of await pending(ctx)) {
        ctx.signal.throwIfAborted()
        ctx.say(text)
        await doings[name](doing)
      }
    },
    async remove(ctx) {
      if (ctx.settings.existing) throw new RaibidError('the cluster that was named stays: it is not ours to remove')
      await removeK3s(ctx, await seeK3s(ctx.host, ctx.settings, env), env)
    },
    logs: (ctx, options) => journalOf(ctx, options),
    async credentials(ctx) {
      const url = ctx.settings.existing ? (await ctx.kube()).server : 'https://127.0.0.1:6443'
      const where = ctx.settings.existing
        ? ctx.settings.existing.kubeconfig
        : `context ${cluster.context} in ${kubeconfigPath(env)}`
      return [{ name: 'Kubernetes, as administrator', where, url, secret: null }]
    },
  }
}

async function lastLines(ctx: ClusterContext): Promise<string[]> {
  const lines: string[] = []
  try {
    for await (const line of journalOf(ctx, { tail: 5, follow: false })) lines.push(line)
  } catch {
    // no journal, no evidence
  }
  return lines
}

export const k3s = k3sComponent()
