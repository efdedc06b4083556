import { mkdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { join } from 'node:path'
import { files } from '#lib/contract.ts'
import { writeWhole } from './state.ts'

/** What `just scale` and `just pause` have said of a pool of this home. It outlives `down` and `up`. */
export interface PoolSettings {
  max?: number
  /** Why it is paused. */
  paused?: string
}

/** What holds for a pool: raibid.yaml and flags, then the settings. */
export interface PoolLimits {
  max: number
  warm: number
  /** null: it is not paused. */
  paused: string | null
}

// a file for each pool: two changes at one moment don't undo each other
const folder = (home: string): string => join(home, files.pools)
const path = (home: string, pool: string): string => join(folder(home), `${pool}.json`)

function read(home: string, pool: string): PoolSettings {
  try {
    return JSON.parse(readFileSync(path(home, pool), 'utf8')) as PoolSettings
  } catch {
    return {}
  }
}

/** The limits of a pool as they are now. */
export function poolLimits(home: string, pool: string, { max, warm }: { max: number; warm: number }): PoolLimits {
  const settings = read(home, pool)
  return { max: settings.max ?? max, warm, paused: settings.paused ?? null }
}

/** Changes settings; a value that is undefined is forgotten. False: it was so already. */
export function changeSettings(
  home: string,
  pool: string,
  change: { [K in keyof PoolSettings]: PoolSettings[K] | undefined },
): boolean {
  const before = read(home, pool)
  const after = Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined))
  if (JSON.stringify(Object.entries(before).sort()) === JSON.stringify(Object.entries(after).sort())) return false
  if (Object.keys(after).length) writeWhole(path(home, pool), JSON.stringify(after))
  else rmSync(path(home, pool), { force: true })
  return true
}

/** Calls back when settings change, until the signal. Where the system can't tell, nothing happens: who needs them looks now and then. */
export function onSettings(home: string, signal: AbortSignal, changed: () => void): void {
  mkdirSync(folder(home), { recursive: true, mode: 0o700 })
  try {
    watch(folder(home), { signal, persistent: false }, changed).on('error', () => {})
  } catch {
    // no inotify left on this machine
  }
}
