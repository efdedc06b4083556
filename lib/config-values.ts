import { z } from 'zod'
import { webUrlForm } from './config-env.ts'
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

/** An address of the web, without a slash at its end. */
export const webUrl = z
  .string()
  .max(1024, 'is longer than 1024 characters')
  .regex(webUrlForm, 'is not an address such as https://git.example (without a user, ? or #)')
  .transform((url) => url.replace(/\/+$/, ''))
