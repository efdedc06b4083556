import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cluster } from '#lib/contract.ts'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import { kubeconfigPath, mergeKubeconfig } from '../kubeconfig-file.ts'
import type { Pins } from '../pins.ts'
import { kinds, type KubeObject } from '../types.ts'
import { at, corednsCustom } from './files.ts'
import { install } from './install.ts'
import { textAt, wantedFiles } from './seen.ts'
import type { StepName } from './steps.ts'

export interface Doing {
  ctx: ClusterContext
  pins: () => Pins
  env: NodeJS.ProcessEnv
  /** How long k3s may take to answer, ms. */
  withinMs: number
}

/** How each step is done; any of them may be done again. */
export const doings: Record<StepName, (doing: Doing) => Promise<void>> = {
  'write config': ({ ctx }) => write(ctx, 'config', 0o644),
  'write registries': ({ ctx }) => write(ctx, 'registries', 0o600),
  'write hosts': ({ ctx }) => write(ctx, 'hosts', 0o644),
  volumes: async ({ ctx }) => void mkdirSync(ctx.host.path(at.volumes), { recursive: true, mode: 0o711 }),
  install: ({ ctx, pins }) => install(ctx, pins()),
  restart: ({ ctx }) => systemctl(ctx, 'restart'),
  start: ({ ctx }) => systemctl(ctx, 'start'),
  kubeconfig,
  coredns,
}

async function write({ host, settings }: ClusterContext, name: 'config' | 'registries' | 'hosts', mode: number): Promise<void> {
  const wanted = await wantedFiles(host, settings)
  writeWhole(host.path(at[name]), wanted[name], mode)
}

/** Whole or not at all; what was there keeps its owner. */
export function writeWhole(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const before = statSync(path, { throwIfNoEntry: false })
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, text, { mode })
  chmodSync(fresh, mode)
  if (before && process.getuid?.() === 0) chownSync(fresh, before.uid, before.gid)
  renameSync(fresh, path)
}

async function systemctl({ host, signal }: ClusterContext, verb: 'restart' | 'start'): Promise<void> {
  await host.run(['systemctl', 'reset-failed', 'k3s'], { signal })
  const { code, stderr } = await host.run(['systemctl', verb, 'k3s'], { signal, withinMs: 300_000 })
  if (code !== 0)
    throw new RaibidError(`systemctl ${verb} k3s ended with exit code ${code}: ${stderr.trim() || 'see just logs k3s'}`)
}

/** k3s writes its own a moment after its start. Whose the file is doesn't change: under sudo it is the person's. */
async function kubeconfig({ ctx, env, withinMs }: Doing): Promise<void> {
  const { host, signal, say } = ctx
  for (const end = performance.now() + withinMs; !existsSync(host.path(at.kubeconfig)); await sleep(250, undefined, { signal })) {
    if (performance.now() > end)
      throw new RaibidError(`k3s has not written ${at.kubeconfig} within ${withinMs / 1000} s: see \`just logs k3s\``)
    say(`waits for ${at.kubeconfig}`)
  }
  const own = textAt(host, at.kubeconfig)
  if (!own) throw new RaibidError(`${at.kubeconfig} can't be read: run as root (sudo -E just bootstrap)`)
  const path = kubeconfigPath(env)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeWhole(path, mergeKubeconfig(before, own, cluster.context, path), 0o600)
  giveBack([dirname(path), path], env)
  ctx.forgetKube()
}

interface Node extends KubeObject {
  status?: { addresses?: { type: string; address: string }[] }
}

async function coredns({ ctx, withinMs }: Doing): Promise<void> {
  const kube = await ctx.kube()
  let why = ''
  const late = AbortSignal.any([ctx.signal, AbortSignal.timeout(withinMs)])
  const ready = await kube.ready(late, ({ message }) => ctx.say((why = message)))
  ctx.signal.throwIfAborted()
  if (!ready) throw new UnreachableError(`k3s did not answer within ${withinMs / 1000} s: ${why}; see \`just logs k3s\``)
  const wanted = corednsCustom(await nodeAddress(ctx))
  await kube.apply(wanted, { force: true })
}

/** The address by which pods reach this machine; RaibidError while it has none. */
export async function nodeAddress(ctx: ClusterContext): Promise<string> {
  const { items } = await (await ctx.kube()).list<Node>(kinds.node, ctx.signal)
  const address = items.flatMap(({ status }) => status?.addresses ?? []).find(({ type }) => type === 'InternalIP')?.address
  if (!address || !/^[0-9a-f.:]+$/i.test(address))
    throw new RaibidError('no node of the cluster has an address yet; run the same again')
  return address
}
