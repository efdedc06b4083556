import { resolve } from 'node:path'
import type { ClusterContext, Component, Settings } from '#lib/cluster/component.ts'
import { presetNames, type PresetName } from '#lib/cluster/presets.ts'
import type { Mirrors } from '#lib/cluster/registry.ts'
import { loadConfig } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { openContext } from './context.ts'
import { journal, type Journal } from './journal.ts'
import { inOrder } from './order.ts'
import type { ClusterState } from './state.ts'

/** What a person said on the command line. */
export interface GivenSettings {
  preset?: string | undefined
  kubeconfig?: string | undefined
  context?: string | undefined
  airgap?: string | undefined
  mirrors?: Mirrors
}

/** Flags that every verb has. */
export const clusterChoice = {
  kubeconfig: {
    type: 'string',
    placeholder: '<file>',
    description: 'a cluster that is there already, instead of k3s on this machine; remembered',
  },
  context: { type: 'string', placeholder: '<name>', description: 'the context in it; default: its current one' },
} as const

/** What is chosen now: the command line ← what an earlier bootstrap was told ← defaults. UsageError for what there is not. */
export function settingsOf(given: GivenSettings, before: Settings | null): Settings {
  const { preset = before?.preset ?? 'homelab', kubeconfig, context } = given
  if (!presetNames.includes(preset as PresetName))
    throw new UsageError(`--preset: there is no preset ${JSON.stringify(preset.slice(0, 40))} (${presetNames.join(', ')})`)
  if (context !== undefined && kubeconfig === undefined && !before?.existing)
    throw new UsageError('--context: say with --kubeconfig which file it is in')
  const named = kubeconfig === undefined ? before?.existing : { kubeconfig: resolve(kubeconfig) }
  return {
    preset: preset as PresetName,
    existing: named ? { ...named, ...(context !== undefined && { context }) } : null,
    airgap: given.airgap === undefined ? (before?.airgap ?? null) : resolve(given.airgap),
    mirrors: { ...before?.mirrors, ...given.mirrors },
  }
}

/** What is known, for these settings: another cluster than last time begins with nothing. */
export function withSettings(state: ClusterState, settings: Settings): ClusterState {
  const same = !state.settings || JSON.stringify(state.settings.existing) === JSON.stringify(settings.existing)
  if (same && JSON.stringify(state.settings) === JSON.stringify(settings)) return state
  return { ...state, settings, ...(!same && { components: {} }) }
}

/** UsageError where a damaged file took along which cluster was meant: nobody wants k3s on this machine by mistake. */
export function mustKnow({ lost }: Journal, { preset, kubeconfig }: GivenSettings): void {
  if (lost && !preset && !kubeconfig)
    throw new UsageError(
      'which cluster it was is not known any more: say it again by --kubeconfig, or by --preset for k3s on this machine',
    )
}

export interface Session {
  ctx: ClusterContext
  journal: Journal
  /** In order of needs. */
  ordered: Component[]
  /** By which a person names this cluster. */
  clusterName: string
}

export interface SessionOptions {
  signal: AbortSignal
  say?: (text: string) => void
  /** What is to be said whatever happens: a damaged file. */
  warn: (text: string) => void
}

/** Everything that a verb works with. ConfigError for a faulty raibid.yaml. */
export async function openSession(given: GivenSettings, { signal, say, warn }: SessionOptions): Promise<Session> {
  const [config, { components }] = await Promise.all([loadConfig(), import('#lib/cluster/components/index.ts')])
  const notes = journal(config.home, warn)
  const settings = settingsOf(given, notes.state().settings)
  const ctx = openContext({ config, settings, signal, ...(say && { say }) })
  const { existing } = settings
  return { ctx, journal: notes, ordered: inOrder(components), clusterName: existing ? await nameOf(existing) : cluster.context }
}

/** The context's name; what can't be read is named by its file. */
async function nameOf(existing: NonNullable<Settings['existing']>): Promise<string> {
  const { loadLogin } = await import('#lib/cluster/kubeconfig.ts')
  return (await loadLogin(existing)).context
}
