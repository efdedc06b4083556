import type { Config } from '#lib/config.ts'
import { findForge } from '#lib/forge/find.ts'

/** What a Gitea mirror is called on GitHub, by the entries of `repositories` that name one repository and its mirror. */
export function githubOf({
  forges,
  repositories,
}: Pick<Config, 'forges' | 'repositories'>): (repo: string) => string | undefined {
  const named = new Map(
    repositories.flatMap(({ match, mirror }) => (mirror && !/[*?]/.test(match) ? [[mirror.toLowerCase(), match]] : [])),
  )
  return (repo) => {
    const found = findForge(forges, repo)
    return found?.forge.kind === 'gitea' ? named.get(`${found.owner}/${found.name}`.toLowerCase()) : undefined
  }
}
