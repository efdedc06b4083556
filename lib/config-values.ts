import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** Kinds of values in `raibid.yaml`. */

export const duration = z.union([z.string(), z.number()]).transform((text, context) => {
  const ms = parseDuration(String(text))
  if (ms !== null) return ms
  context.addIssue({ code: 'custom', message: 'is not a duration such as 90s, 10m or 1h30m' })
  return z.NEVER
})

const sizes: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
export const size = z.union([z.string(), z.number()]).transform((text, context) => {
  const [, digits, unit] = /^(\d{1,15}) ?(KiB|MiB|GiB|)$/.exec(String(text)) ?? []
  const bytes = Number(digits) * sizes[unit ?? '']!
  if (bytes > 0) return bytes
  context.addIssue({ code: 'custom', message: 'is not a size such as 16MiB' })
  return z.NEVER
})
