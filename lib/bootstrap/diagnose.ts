import type { ClusterContext, Component } from '#lib/cluster/component.ts'
import { machineFindings } from '#lib/cluster/components/machine.ts'
import type { KubeEvent } from '#lib/cluster/reasons.ts'
import { kinds, type KubeObject, type Pod } from '#lib/cluster/types.ts'
import { messageOf } from '#lib/errors.ts'
import { lookAll } from './look.ts'
import { redactText } from './redact.ts'
import { redactedConfig } from './redacted-config.ts'
import type { ClusterState } from './state.ts'
import { statusRows } from './status.ts'

const mostLines = 400
const mostBytes = 512 * 1024
const withinMs = 20_000

/** Everything that somebody who helps would ask for, as files, without what is secret. What can't be had says why in its place. */
export async function diagnosis(
  ordered: readonly Component[],
  ctx: ClusterContext,
  state: ClusterState,
): Promise<Record<string, string>> {
  const secrets = await secretsOf(ordered, ctx)
  const text = (value: unknown): string => (typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`)
  const files: [string, () => Promise<unknown> | unknown][] = [
    ['status.json', async () => statusRows(ordered, await lookAll(ordered, ctx), state)],
    ['state.json', () => state],
    ['config.json', () => redactedConfig(ctx.config)],
    ['machine.json', () => machineFindings(ctx)],
    ['versions.json', async () => ({ node: process.version, cluster: (await ctx.kube()).server })],
    ['nodes.json', () => short(ctx, kinds.node)],
    ['pods.json', () => short(ctx, kinds.pod)],
    ['events.txt', () => events(ctx)],
    ...ordered
      .filter(({ logs }) => logs)
      .map((one) => [`logs/${one.name}.log`, () => lastLines(one, ctx)] as [string, () => Promise<string>]),
  ]
  const made = await Promise.all(
    files.map(async ([name, make]) => {
      const content = await bounded(make, ctx.signal)
      return [name, redactText(text(content), secrets).slice(0, mostBytes)] as const
    }),
  )
  return Object.fromEntries(made)
}

async function bounded(make: () => Promise<unknown> | unknown, signal: AbortSignal): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(
    (resolve) => (timer = setTimeout(() => resolve(`not had within ${withinMs / 1000} s\n`), withinMs)),
  )
  try {
    return await Promise.race([make(), late])
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return `can't be had: ${messageOf(error)}\n`
  } finally {
    clearTimeout(timer)
  }
}

/** The passwords themselves, so that they go wherever they stand. */
async function secretsOf(ordered: readonly Component[], ctx: ClusterContext): Promise<string[]> {
  const all = await Promise.all(ordered.map(async (one) => (await one.credentials?.(ctx).catch(() => [])) ?? []))
  const { git, forges, pods } = ctx.config
  const tokens = forges.map((forge) => {
    try {
      return forge.token()
    } catch {
      return null
    }
  })
  const variables = Object.values(pods).flatMap(({ env }) => Object.values(env ?? {}))
  const logins = git.credentials.map(({ token }) => token)
  const known = [
    ...all.flat().map(({ secret }) => secret),
    ...logins,
    ...tokens,
    ...variables.filter((value) => value.length >= 8),
  ]
  return known.filter((secret): secret is string => Boolean(secret && secret.length >= 4))
}

async function lastLines({ logs }: Component, ctx: ClusterContext): Promise<string> {
  const lines: string[] = []
  for await (const line of logs!(ctx, { tail: mostLines, follow: false })) if (lines.push(line) >= mostLines * 4) break
  return `${lines.join('\n')}\n`
}

/** Objects without what nobody reads; the environment of a container may hold anything. */
async function short(ctx: ClusterContext, kind: { apiVersion: string; kind: string }): Promise<object[]> {
  const { items } = await (await ctx.kube()).list<Pod & KubeObject>(kind, ctx.signal)
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    namespace: metadata.namespace,
    node: spec?.nodeName,
    images: spec?.containers?.map(({ image }) => image),
    status,
  }))
}

async function events(ctx: ClusterContext): Promise<string> {
  const { items } = await (await ctx.kube()).list<KubeEvent>(kinds.event, ctx.signal)
  return items
    .map(
      ({ metadata, type, reason, message, lastTimestamp }) =>
        `${lastTimestamp ?? metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''} ${metadata.name ?? ''} ${type ?? ''} ${reason ?? ''}: ${message ?? ''}`,
    )
    .sort()
    .slice(-2000)
    .join('\n')
}
