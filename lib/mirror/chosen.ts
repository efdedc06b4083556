import { safe } from '#lib/cli/untrusted.ts'
import { RaibidError } from '#lib/errors.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { sameSource } from './identity.ts'
import { compilePattern } from './pattern.ts'

const fullName = ({ owner, name }: GiteaRepo): string => `${owner}/${name}`

/**
 * The mirrors that a text means: by name (`app`, `mirrors/app`), by the source's address, else all whose `owner/name` a regular expression matches.
 * Throws RaibidError when there are none, UsageError for an expression that is wrong.
 */
export function chosenMirrors(mirrors: readonly GiteaRepo[], text: string): GiteaRepo[] {
  const exact = mirrors.filter(
    (mirror) =>
      [mirror.name, fullName(mirror)].some((name) => name.toLowerCase() === text.toLowerCase()) ||
      (text.includes('://') && sameSource(mirror.source, text)),
  )
  if (exact.length) return exact
  const pattern = compilePattern(text, 'mirrors')
  const matching = mirrors.filter((mirror) => pattern.test(fullName(mirror)))
  if (!matching.length)
    throw new RaibidError(
      `none of ${mirrors.length} mirrors is called ${JSON.stringify(safe(text.slice(0, 100)))}, or matches it`,
    )
  return matching
}
