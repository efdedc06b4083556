/** The numbers of the protocol (milliseconds, bytes). They are written into every script (scripts.ts). */
export const limits = {
  /** An agent beats each second; after this long without a beat its job is taken from it. */
  lease: 15_000,
  /** Agents that may be lost over one job before it is given up as `dead`. */
  tries: 3,
  /** Wait after the second loss; doubles with each further one, up to `backoffMax`. The first costs no wait. */
  backoff: 10_000,
  backoffMax: 300_000,
  /** How long a finished job is remembered. */
  keep: 14 * 86_400_000,
  keepDead: 30 * 86_400_000,
  /** Output kept of one attempt; above it head and tail stay and the cut is stated. */
  logJob: 16 * 1024 * 1024,
  /** Output kept of all jobs. */
  logAll: 512 * 1024 * 1024,
  /** Changes of state kept in `ci-events`, about. */
  events: 10_000,
}
export type Limits = typeof limits

/** How often an agent beats. */
export const beatEvery = 1_000
