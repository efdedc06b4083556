/** Who has to leave a place in our Gitea before another can have it, and who can't have the place that it should. */
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { Claim } from './claim.ts'
import { placeOf } from './step.ts'

export interface Places {
  /** Numbers of the repositories that others wait for. */
  leave: ReadonlySet<number>
  /** Who is where a claim's mirror should be, and leaves. */
  waits: ReadonlyMap<Claim, GiteaRepo>
  /** Who is there, and stays. */
  blocked: ReadonlyMap<Claim, GiteaRepo>
  isFree: (place: string) => boolean
}

export function places(claims: readonly Claim[], idle: readonly GiteaRepo[], existing: readonly GiteaRepo[]): Places {
  const taken = new Map(existing.map((repo) => [placeOf(repo), repo]))
  const claimOf = new Map(claims.flatMap((claim) => [claim.keeper, ...claim.rest].map((repo) => [repo?.id, claim] as const)))
  const idleIds = new Set(idle.map(({ id }) => id))
  const blocked = new Map<Claim, GiteaRepo>()
  const staysPut = (there: GiteaRepo): boolean => {
    if (idleIds.has(there.id)) return false
    const claim = claimOf.get(there.id)
    if (!claim || blocked.has(claim)) return true
    return claim.keeper === there && placeOf(claim.wish) === placeOf(there)
  }
  const other = (claim: Claim): GiteaRepo | null => {
    const there = taken.get(placeOf(claim.wish))
    return there && there.id !== claim.keeper?.id ? there : null
  }
  // who can't go blocks whoever waits for that place in turn
  for (let before = -1; before !== blocked.size;) {
    before = blocked.size
    for (const claim of claims) {
      const there = other(claim)
      if (there && !blocked.has(claim) && staysPut(there)) blocked.set(claim, there)
    }
  }
  const waits = new Map<Claim, GiteaRepo>()
  for (const claim of claims) {
    const there = other(claim)
    if (there && !blocked.has(claim)) waits.set(claim, there)
  }
  const wanted = new Set(claims.map(({ wish }) => placeOf(wish)))
  return {
    leave: new Set([...waits.values()].map(({ id }) => id)),
    waits,
    blocked,
    isFree: (place) => !taken.has(place) && !wanted.has(place),
  }
}
