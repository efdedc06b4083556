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

// a file for each setting: two changes at one moment don't undo each other
const folder = (home: string): string => join(home, files.pools)
const path = (home: string, pool: string, name: keyof PoolSettings): string => join(folder(home), `${pool}.${name}`)

const isSetting: { [K in keyof PoolSettings]-?: (value: unknown) => boolean } = {
  max: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  paused: (value) => typeof value === 'string',
}

/** What can't be read, or is no such setting, was not said: a broken file must not keep the pool from its work. */
function read<K extends keyof PoolSettings>(home: string, pool: string, name: K): PoolSettings[K] {
  try {
    const value: unknown = JSON.parse(readFileSync(path(home, pool, name), 'utf8'))
    return isSetting[name](value) ? (value as PoolSettings[K]) : undefined
  } catch {
    return undefined
  }
}

/** The limits of a pool as they are now. */
export function poolLimits(home: string, pool: string, { max, warm }: { max: number; warm: number }): PoolLimits {
  return { max: read(home, pool, 'max') ?? max, warm, paused: read(home, pool, 'paused') ?? null }
}

/** Changes settings; a value that is undefined is forgotten. False: it was so already. */
export function changeSettings(
  home: string,
  pool: string,
  change: { [K in keyof PoolSettings]: PoolSettings[K] | undefined },
): boolean {
  const changed = (Object.keys(change) as (keyof PoolSettings)[]).filter((name) => read(home, pool, name) !== change[name])
  for (const name of changed) {
    if (change[name] === undefined) rmSync(path(home, pool, name), { force: true })
    else writeWhole(path(home, pool, name), JSON.stringify(change[name]))
  }
  return changed.length > 0
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
