import { existsSync, readFileSync, renameSync, statSync } from 'node:fs'
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

const stateSchema = z.strictObject({
  version: z.literal(1),
  settings: z
    .strictObject({
      preset: z.enum(presetNames),
      existing: z.strictObject({ kubeconfig: z.string(), context: z.string().optional() }).nullable(),
      airgap: z.string().nullable(),
      mirrors: z.record(z.string(), z.string()),
    })
    .nullable(),
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

export const emptyState = (): ClusterState => ({ version: 1, settings: null, components: {}, transitions: [] })
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

/** What is known from earlier runs. A damaged file is put aside and told of: everything in it can be found out again. */
export function readState(home: string, tell: (text: string) => void): ClusterState {
  const file = join(home, files.clusterState)
  if (!existsSync(file)) return emptyState()
  try {
    if (statSync(file).size > largest) throw new RaibidError('it is too large')
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) as ClusterState
  } catch (error) {
    // another person's file is no damaged one
    if ((error as NodeJS.ErrnoException).code)
      throw new RaibidError(`${file} can't be read: ${messageOf(error)}; see whose it is`)
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : messageOf(error)
    const aside = `${file}.damaged`
    try {
      renameSync(file, aside)
    } catch (failed) {
      throw new RaibidError(`${file} can't be read (${why}) nor moved (${messageOf(failed)}); see whose it is`)
    }
    tell(`${file} is damaged (${why}): it is now ${aside}, and what was in it is found out anew. The preset is asked for again.`)
    return emptyState()
  }
}

/** RaibidError names the file when it can't be written (a full disk). */
export function writeState(home: string, state: ClusterState): void {
  const file = join(home, files.clusterState)
  try {
    writeWhole(file, `${JSON.stringify(state, null, 1)}\n`)
    giveBack([home, dirname(file), file])
  } catch (error) {
    throw new RaibidError(
      `${file} can't be written: ${messageOf(error)}; free some disk or correct its owner, and run the same again`,
    )
  }
}
