/** What a repository has: each branch and tag with its object. */
import { RaibidError } from '#lib/errors.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { gitWith, type GitCredential } from '#lib/git.ts'
import { redactUrl } from '#lib/redact-url.ts'

/** `refs/heads/main` → object. */
export type Refs = ReadonlyMap<string, string>

/** One `git ls-remote`. Throws RaibidError with git's own words. */
export async function refsOf(url: string, credential: GitCredential | null, withinMs = 60_000): Promise<Refs> {
  const git = gitWith(credential ? [credential] : [], undefined, withinMs)
  let text: string
  try {
    text = await git('ls-remote', '--heads', '--tags', '--refs', '--end-of-options', url)
  } catch (error) {
    throw new RaibidError(`cannot read the branches of ${safe(redactUrl(url))}: ${wordsOf(error, withinMs)}`)
  }
  const lines = text.split('\n').flatMap((line) => {
    const [, id, ref] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(refs\/(?:heads|tags)\/.+)$/.exec(line) ?? []
    return id && ref ? [[ref, id] as const] : []
  })
  return new Map(lines)
}

export const sameRefs = (a: Refs, b: Refs): boolean => a.size === b.size && [...a].every(([ref, id]) => b.get(ref) === id)

/** What differs, for people: at most three of it. */
export function differences(source: Refs, mirror: Refs): string {
  const names = [...new Set([...source.keys(), ...mirror.keys()])].filter((ref) => source.get(ref) !== mirror.get(ref)).sort()
  const shown = names.slice(0, 3).map((ref) => {
    const name = safe(ref.replace(/^refs\/(?:heads|tags)\//, ''))
    if (!source.has(ref)) return `${name} is gone at the source`
    if (!mirror.has(ref)) return `${name} is missing`
    return `${name} is ${mirror.get(ref)!.slice(0, 7)}, at the source ${source.get(ref)!.slice(0, 7)}`
  })
  return shown.join(', ') + (names.length > shown.length ? `, and ${names.length - shown.length} more` : '')
}

/** The last line that git wrote; a helper's or a server's secrets are in none of them. */
function wordsOf(error: unknown, withinMs: number): string {
  const { stderr = '', killed } = error as { stderr?: string; killed?: boolean }
  if (killed) return `no answer within ${withinMs / 1000} s`
  const line = stderr.trim().split('\n').at(-1) ?? ''
  return safe(redactUrl(line.replace(/^fatal: /, ''))).slice(0, 200) || 'git failed'
}
