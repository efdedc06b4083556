/** Mirrors as a table and as JSON. */
import colours from 'picocolors'
import { formatBytes } from '#lib/bytes.ts'
import { wantsColour } from '#lib/cli/log.ts'
import { table } from '#lib/cli/table.ts'
import { ago, iso } from '#lib/cli/time.ts'
import { formatDuration } from '#lib/duration.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import { markIn } from './identity.ts'
import { stateOf, staleAfter, timesOf, type MirrorState } from './state.ts'
import type { Verified } from './verify.ts'

export interface Row {
  mirror: GiteaRepo
  state: MirrorState
  /** What was looked at or done besides; null: only what Gitea says. */
  verified: Verified | null
}

export const rowOf = (mirror: GiteaRepo, now: number): Row => ({ mirror, state: stateOf(mirror, now), verified: null })

const paints: Record<MirrorState, 'green' | 'yellow' | 'red' | 'dim'> = {
  ...{ fresh: 'green', stale: 'yellow', diverged: 'red', failing: 'red', never: 'red', paused: 'dim', gone: 'dim' },
}

/** What wasn't synchronised for a day stands out. */
export function mirrorTable(rows: readonly Row[], now: number): string {
  const paint = colours.createColors(wantsColour(1))
  const isOld = ({ mirror, state }: Row): boolean => {
    const { succeeded } = timesOf(mirror)
    return state !== 'gone' && (succeeded === null || now - succeeded > staleAfter)
  }
  const when = (time: number | null): string => (time === null ? 'never' : ago(time, now))
  return table(rows, [
    { title: 'MIRROR', value: ({ mirror }) => `${mirror.owner}/${mirror.name}` },
    { title: 'STATE', value: ({ state }) => state, style: (cell, { state }) => paint[paints[state]](cell) },
    { title: 'TRIED', value: ({ mirror }) => when(timesOf(mirror).tried) },
    {
      title: 'SUCCESS',
      value: ({ mirror }) => when(timesOf(mirror).succeeded),
      style: (cell, row) => (isOld(row) ? paint.yellow(cell) : cell),
    },
    { title: 'NEXT', value: ({ mirror }) => nextOf(mirror, now) },
    { title: 'SIZE', value: ({ mirror }) => formatBytes(mirror.bytes) },
    { title: 'SOURCE', value: ({ mirror }) => mirror.source },
    ...(rows.some(({ verified }) => verified?.why) ? [{ title: 'WHY', value: ({ verified }: Row) => verified?.why ?? '' }] : []),
  ])
}

function nextOf(mirror: GiteaRepo, now: number): string {
  const { next } = timesOf(mirror)
  if (next === null) return mirror.intervalMs === 0 ? 'when asked' : ''
  return next <= now ? 'now' : `in ${formatDuration(next - now)}`
}

export function rowJson({ mirror, state, verified }: Row): object {
  const { tried, succeeded, next } = timesOf(mirror)
  const { owner, name, source, bytes, private: isPrivate, intervalMs, empty, topics, defaultBranch } = mirror
  return {
    ...{ mirror: `${owner}/${name}`, source, state, tried: iso(tried), succeeded: iso(succeeded), next: iso(next) },
    ...{ bytes, private: isPrivate, intervalMs, empty, defaultBranch, mark: markIn(topics) },
    ...(verified && { why: verified.why, ms: verified.ms }),
  }
}
