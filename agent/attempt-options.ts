/** What an attempt is given, and how it may end. */
import type { ArtifactStore } from '#lib/artifacts/store.ts'
import type { Config } from '#lib/config.ts'
import type { Result } from '#lib/queue/worker.ts'
import type { Job } from '#lib/queue/types.ts'
import type { Keep } from './caches.ts'
import type { Credential } from './clone.ts'
import type { ImageConfig } from './images.ts'
import type { Shipper } from './shipper.ts'

/** Why an attempt is stopped from outside. */
export type Stop = 'cancel' | 'lost' | 'drain' | 'timeout'

/** How an attempt ended: with a result to report, or with the job to be given back. */
export type Outcome =
  { kind: 'result'; result: Result; keep?: Keep | undefined } | { kind: 'release'; how: 'drained' | 'network'; reason: string }

export interface AttemptOptions {
  job: Job
  folder: string
  mark: string
  env: Record<string, string>
  secrets: Record<string, string>
  credentials: Credential[]
  shipper: Shipper
  stop: AbortSignal
  bornAt: number
  /** Called once the bound on the whole attempt is known, ms. */
  onTimeout: (ms: number) => void
  defaultTimeoutMs: number
  cache: Config['cache']
  /** No attempt may take longer; 0: no such bound. */
  longestMs: number
  store: () => Promise<ArtifactStore>
  images: ImageConfig
  /** Hides secrets in a short text. */
  mask: (text: string) => string
}
