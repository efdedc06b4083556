import { messageOf } from '#lib/errors.ts'
import type { Pins } from './pins.ts'
import { checksumOf, digestOf, type Mirrors } from './registry.ts'

/** One thing to pin: what it is now, or why that is not known. */
export interface Pinned {
  kind: 'images' | 'releases'
  name: string
  /** The digest or checksum that was found. */
  found: string | null
  /** Why not. */
  reason: string | null
  /** What was recorded before. */
  before: string | null
}

export interface PinOptions {
  images: readonly string[]
  releases: readonly string[]
  before: Pins
  mirrors: Mirrors
  signal?: AbortSignal
}

/** Asks for everything side by side. What can't be asked keeps what it had, or stays without: nothing is guessed. */
export async function findPins({ images, releases, before, mirrors, signal }: PinOptions): Promise<Pinned[]> {
  const one = async (kind: Pinned['kind'], name: string, ask: typeof digestOf): Promise<Pinned> => {
    const known = { kind, name, before: before[kind][name] ?? null }
    try {
      return { ...known, found: await ask(name, mirrors, signal), reason: null }
    } catch (error) {
      if (signal?.aborted) throw error
      return { ...known, found: null, reason: messageOf(error) }
    }
  }
  return Promise.all([
    ...images.map((name) => one('images', name, digestOf)),
    ...releases.map((name) => one('releases', name, checksumOf)),
  ])
}

/** What is to be written: by name, so that the file changes only where something did. What is used no more is left out. */
export function pinsOf(all: readonly Pinned[]): Pins {
  const of = (kind: Pinned['kind']): Record<string, string> => {
    const known = all.flatMap((one) =>
      one.kind === kind && (one.found ?? one.before) ? [[one.name, one.found ?? one.before!] as const] : [],
    )
    return Object.fromEntries(known.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return { images: of('images'), releases: of('releases') }
}
