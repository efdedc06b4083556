import { safe } from '#lib/cli/untrusted.ts'

/**
 * What to tell of a token that may do more than mirrors need, by the scopes that GitHub names with each answer to a classic token; null: nothing. A
 * fine-grained token has no scopes, and GitHub doesn't say what it may do.
 */
export function tokenScopes(url: string, scopes: string | null | undefined): string | null {
  if (!scopes) return null
  const writing = safe(scopes)
    .split(',')
    .map((scope) => scope.trim())
    .filter((scope) => scope && !/^(?:read:.*|user:email)$/.test(scope))
  if (!writing.length) return null
  return (
    `the token for ${url} is a classic one that may write (${writing.join(', ').slice(0, 200)}), and Gitea keeps it with each private mirror; ` +
    'a fine-grained one with read-only access to contents and metadata is enough'
  )
}
