import { z } from 'zod'
import type { Artifact } from '#lib/queue/types.ts'

/** What lies beside the files of an attempt and names them: a file's own name there is its number. */
export const manifestFile = 'manifest.json'

const schema = z.object({
  version: z.literal(1),
  files: z
    .array(
      z.object({
        path: z.string().max(4096),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        executable: z.literal(true).optional(),
      }),
    )
    .max(10_000),
})

export const manifestText = (files: readonly Artifact[]): string => JSON.stringify({ version: 1, files })

/** The files that a manifest names; null for a text that is none. Their paths are as hostile as they were. */
export function readManifest(text: string): Artifact[] | null {
  try {
    return schema.parse(JSON.parse(text)).files as Artifact[]
  } catch {
    return null
  }
}
