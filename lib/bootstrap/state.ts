import { readFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { presetNames } from '#lib/cluster/presets.ts'
import type { Settings } from '#lib/cluster/component.ts'
import { files } from '#lib/contract.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { writeWhole } from '#lib/pool/state.ts'
import { giveBack } from './give-back.ts'

export const stateNames = ['absent', 'deploying', 'healthy', 'degraded', 'repairing', 'failed', 'needs-human'] as const
export type StateName = (typeof stateNames)[number]

const at = z.int().min(0)
const record = z.strictObject({
  state: z.enum(stateNames),
  /** ms since 1970. */
  since: at,
  reason: z.string().nullable(),
  /** It was made here or seen healthy, and nobody took it away: `reconcile` keeps it. */
  wanted: z.boolean(),
  /** Repairs that failed since it was last healthy. */
  failures: z.int().min(0),
  /** Before this no repair is tried; 0: at once. */
  notBefore: at,
  /** When it was repaired with success, the newest last. */
  repaired: z.array(at).max(50),
})
export type ComponentRecord = z.infer<typeof record>

const settingsSchema = z
  .strictObject({
    preset: z.enum(presetNames),
    existing: z.strictObject({ kubeconfig: z.string(), context: z.string().optional() }).nullable(),
    airgap: z.string().nullable(),
    mirrors: z.record(z.string(), z.string()),
  })
  .nullable()

const version = 1
const stateSchema = z.strictObject({
  version: z.literal(version),
  settings: settingsSchema,
  components: z.record(z.string(), record),
  transitions: z
    .array(
      z.strictObject({
        at,
        component: z.string(),
        from: z.enum(stateNames),
        to: z.enum(stateNames),
        reason: z.string().nullable(),
      }),
    )
    .max(1000),
})
export type ClusterState = Omit<z.infer<typeof stateSchema>, 'settings'> & { settings: Settings | null }

export const emptyState = (): ClusterState => ({ version, settings: null, components: {}, transitions: [] })
export const emptyRecord = (now: number): ComponentRecord => ({
  state: 'absent',
  since: now,
  reason: null,
  wanted: false,
  failures: 0,
  notBefore: 0,
  repaired: [],
})

const largest = 4 << 20

/** What was read. `damaged`: the file was there and is of no use, except perhaps for the settings; whoever writes puts it aside first. */
export interface ReadState {
  state: ClusterState
  damaged: boolean
}

/** What is known from earlier runs; nothing is written. Of a damaged file it tells: all but the settings can be found out again. RaibidError for one that isn't ours to judge. */
export function readState(home: string, tell: (text: string) => void): ReadState {
  const file = join(home, files.clusterState)
  let known: unknown
  try {
    if (statSync(file).size > largest) throw new RaibidError('it is too large')
    known = JSON.parse(readFileSync(file, 'utf8'))
    const { version: its } = (known ?? {}) as { version?: unknown }
    if (typeof its === 'number' && its > version) throw new NewerError(file, its)
    return { state: stateSchema.parse(known) as ClusterState, damaged: false }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { state: emptyState(), damaged: false }
    // another person's file is no damaged one
    if (code) throw new RaibidError(`${file} can't be read: ${messageOf(error)}; see whose it is`)
    if (error instanceof NewerError) throw error
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : messageOf(error)
    const { data: settings = null } = settingsSchema.safeParse((known as { settings?: unknown } | undefined)?.settings)
    const left = settings ? 'What was chosen could be read' : 'Which cluster it is about, and the preset, are asked for again'
    tell(
      `${file} is damaged (${why}): what was in it is found out anew, and who writes the next keeps it as ${aside(file)}. ${left}.`,
    )
    return { state: { ...emptyState(), settings: settings as Settings | null }, damaged: true }
  }
}

class NewerError extends RaibidError {
  constructor(file: string, its: number) {
    super(
      `${file} was written by a newer raibid-ci (version ${its} of it; this one knows ${version}): use that one, and let this one be`,
    )
  }
}

const aside = (file: string): string => `${file}.damaged`

/** A damaged file is kept for a person to look at. RaibidError where that can't be. */
export function putAside(home: string): void {
  const file = join(home, files.clusterState)
  try {
    renameSync(file, aside(file))
  } catch (error) {
    throw new RaibidError(`${file} is damaged, and can't be moved (${messageOf(error)}); see whose it is`)
  }
}

/** RaibidError names the file when it can't be written (a full disk). */
export function writeState(home: string, state: ClusterState): void {
  const file = join(home, files.clusterState)
  try {
    // on the disk before it has its name: a power cut leaves the one or the other
    writeWhole(file, `${JSON.stringify(state, null, 1)}\n`, { flush: true })
    giveBack([home, dirname(file), file])
  } catch (error) {
    throw new RaibidError(
      `${file} can't be written: ${messageOf(error)}; free some disk or correct its owner, and run the same again`,
    )
  }
}
