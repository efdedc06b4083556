/** Where the branches of a repository are now, asked of whoever has it: a forge that we know, else git itself. */
import type { Forge } from '#lib/config.ts'
import { findForge } from '#lib/forge/find.ts'
import { gitea } from '#lib/forge/gitea.ts'
import type { HeadsAnswer } from '#lib/forge/github.ts'
import { gitWith, type GitCredential } from '#lib/git.ts'

export interface RepoHeadsOptions {
  forges: Forge[]
  credentials: GitCredential[]
  signal: AbortSignal
}

const line = /^([0-9a-f]{40}|[0-9a-f]{64})\t(\S+)$/

export function repoHeads({ forges, credentials, signal }: RepoHeadsOptions) {
  const remote = async (url: string, ...what: string[]): Promise<string[]> =>
    (await gitWith(credentials)('ls-remote', ...what.slice(0, 1), '--end-of-options', url, ...what.slice(1))).split('\n')

  return {
    /** Branch → commit, and GitHub's mark of this answer; `heads` null: nothing has changed since the mark `etag`. */
    async all(url: string, etag: string | null): Promise<HeadsAnswer> {
      const found = findForge(forges, url)
      if (found?.forge.kind === 'gitea')
        return { heads: await gitea(found.forge).heads(found, { signal, withinMs: 20_000 }), etag: null }
      if (found) {
        const { github } = await import('#lib/forge/github.ts')
        return github(found.forge).heads(found, etag, { signal, withinMs: 30_000 })
      }
      const pairs = (await remote(url, '--heads')).flatMap((text) => {
        const [, commit, ref] = line.exec(text) ?? []
        return commit && ref?.startsWith('refs/heads/') ? [[ref.slice('refs/heads/'.length), commit] as const] : []
      })
      return { heads: Object.fromEntries(pairs), etag: null }
    },

    /** The default branch and its commit; null: nothing was pushed yet. By git, for it tells both in one answer. */
    async main(url: string): Promise<{ branch: string; commit: string } | null> {
      const lines = await remote(url, '--symref', 'HEAD')
      const branch = lines.map((text) => /^ref: refs\/heads\/(\S+)\tHEAD$/.exec(text)?.[1]).find(Boolean)
      const commit = lines.map((text) => line.exec(text)).find((found) => found?.[2] === 'HEAD')?.[1]
      return branch && commit ? { branch, commit } : null
    },
  }
}
