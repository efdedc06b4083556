import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { messageOf, UsageError } from '#lib/errors.ts'
import type { KubeObject } from './object.ts'
import { containersOf } from './requests.ts'

const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/)

/** `manifests/pins.json`: by image name the digest of its index, by address the checksum of a release's file. Written by `just pin`. */
const pinsSchema = z.strictObject({ images: z.record(z.string(), sha256), releases: z.record(z.string(), sha256) })
export type Pins = z.infer<typeof pinsSchema>

export const pinsFile = join(root, 'manifests/pins.json')

export function readPins(file = pinsFile): Pins {
  if (!existsSync(file)) return { images: {}, releases: {} }
  try {
    return pinsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\s+/g, ' ') : messageOf(error)
    // `just pin` itself keeps from it what can't be asked
    throw new UsageError(`${file} is damaged: ${why}; delete it and run \`just pin\``)
  }
}

/** What is known of the releases' files: what the repository pins, and where that says nothing what was recorded here on the first use. */
export function knownReleases(home: string, file = pinsFile): Pins {
  const own = readPins(join(home, files.clusterPins))
  const pins = readPins(file)
  return { images: pins.images, releases: { ...own.releases, ...pins.releases } }
}

/** Copies of the objects, with `name:tag@digest` where the digest is known. */
export function pinned(objects: readonly KubeObject[], { images }: Pins): KubeObject[] {
  return objects.map((one) => {
    const copy = structuredClone(one)
    for (const container of containersOf(copy)) {
      const digest = images[container.image]
      if (digest) container.image = `${container.image}@${digest}`
    }
    return copy
  })
}

/** Every image that the objects run, once. */
export const imagesOf = (objects: readonly KubeObject[]): string[] =>
  [...new Set(objects.flatMap(containersOf).map(({ image }) => image))].sort()
