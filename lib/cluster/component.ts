import type { Config } from '#lib/config.ts'
import type { Host } from './host.ts'
import type { Kube } from './kube.ts'
import type { PresetName } from './presets.ts'
import type { Mirrors } from './registry.ts'

/**
 * How something is. `degraded` has a reason; so has `healthy` where there is something to know. Whatever can't be asked is thrown (UnreachableError,
 * ApiError): the verbs make a degraded one of it.
 */
export interface Finding {
  state: 'absent' | 'healthy' | 'degraded'
  /** One sentence or less: what is wrong; of a healthy one what it is (`v1.37.1+k3s1, one node`). */
  reason?: string
  /** What shows it: events, conditions, the last lines of a log. Outside text, printed with care. */
  evidence?: readonly string[]
}

/** A login that a person may need. */
export interface Credential {
  /** `Gitea's administrator`. */
  name: string
  user?: string
  /** Where one uses it. */
  url?: string
  /** Where it is kept: `Secret infrastructure/gitea-admin`. */
  where: string
  /** Shown only when that was asked for; null: it isn't there yet. */
  secret: string | null
}

/** One thing that gets installed. Everything in it may be asked any number of times, and may be interrupted at any place. */
export interface Component {
  /** As `--only` takes it: a-z, 0-9 and `-`. */
  name: string
  /** For people: `Gitea and its registry`. */
  title: string
  /** Names of the components that must be healthy before this one is applied. */
  needs: readonly string[]
  /** What is lost when it is removed, as a sentence; without it nothing that can't be made again. */
  losesData?: string
  /** It needs no API server: it is asked about even where there is none. */
  withoutCluster?: boolean
  /** How long after `apply` it may take until `check` finds it healthy; default 120 s. The verb waits, `apply` needn't. */
  settlesWithinMs?: number
  /** Looks, and changes nothing. */
  check(ctx: ClusterContext): Promise<Finding>
  /** What `apply` would do, in sentences, and nothing done. Found absent, it must do without asking the cluster: there may be none. */
  plan(ctx: ClusterContext, found: Finding): Promise<string[]>
  /** Makes it so, from nothing or from whatever an earlier one left half-made. Passwords that exist are kept. */
  apply(ctx: ClusterContext): Promise<void>
  /** Takes it away; `check` says afterwards whether it is gone. Without it there is nothing to take away. */
  remove?(ctx: ClusterContext): Promise<void>
  /** The last lines of its log; with `follow` those that come, until the signal. */
  logs?(ctx: ClusterContext, options: { tail: number; follow: boolean }): AsyncIterable<string>
  credentials?(ctx: ClusterContext): Promise<Credential[]>
}

/** What is chosen for an installation; bootstrap remembers it for the next time. */
export interface Settings {
  preset: PresetName
  /** A cluster that is there already (`--kubeconfig`): k3s is not ours to touch. null: k3s on this machine. */
  existing: { kubeconfig: string; context?: string } | null
  /** A folder with k3s's files, for a machine without a network. */
  airgap: string | null
  /** Where a host is really asked when something is downloaded. */
  mirrors: Mirrors
}

/** What components work with. */
export interface ClusterContext {
  config: Config
  settings: Settings
  /** RAIBID_HOME. */
  home: string
  /** This machine: its files and commands. */
  host: Host
  /** The cluster, logged in on the first call. UnreachableError where none is configured. */
  kube(): Promise<Kube>
  /** The next `kube()` logs in anew: the kubeconfig has changed. */
  forgetKube(): void
  signal: AbortSignal
  /** One line about what is being done now (`waits for Gitea to answer`); no secrets. */
  say(text: string): void
}
