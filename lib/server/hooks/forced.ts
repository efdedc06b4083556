/** Gitea doesn't say that a push was forced, and lists then only what is new on the branch, not what is gone from it. */
import type { RepositoryPolicy } from '#lib/config-repositories.ts'
import type { Forge } from '#lib/config.ts'
import { findForge } from '#lib/forge/find.ts'
import { gitea } from '#lib/forge/gitea.ts'
import type { ForgeEvent } from './event.ts'
import { decide, type Decision } from './policy.ts'

/** What to do about an event; Gitea is asked where nothing but the listed paths speaks against a build. What it can't tell is built. */
export async function decideAsking(event: ForgeEvent, policies: RepositoryPolicy[], forges: Forge[]): Promise<Decision> {
  const decision = decide(event, policies)
  if (decision.do !== 'nothing' || event.kind !== 'push' || !event.files || !event.before) return decision
  const whole = decide({ ...event, files: null }, policies)
  if (whole.do !== 'build' || event.repo.forge !== 'gitea') return decision
  const found = findForge(forges, event.repo.url)
  if (!found) return decision
  const forward = await gitea(found.forge)
    .isForward(found, event.before, event.commit, { withinMs: 3000 })
    .catch(() => false)
  return forward ? decision : whole
}
