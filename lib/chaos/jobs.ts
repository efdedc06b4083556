import { stringify } from 'yaml'
import type { JobSpec } from '#lib/queue/types.ts'
import type { Random } from './random.ts'

export type JobKind = 'short' | 'long' | 'failing' | 'forking' | 'loud' | 'poison'

/** One job of a round: its numbers decide every line that it prints and how it ends. */
export interface PlannedJob {
  name: string
  kind: JobKind
  salt: number
  lines: number
  /** Width of a line's filling. */
  width: number
  /** Between two lines. */
  pauseMs: number
}

/** Output of one attempt that is kept; a `loud` job prints more. */
export const logBound = 96 * 1024

/** A failing job's exit code tells which attempt it was that failed. */
export const failingExit = (attempt: number): number => 10 + attempt

export function makeJob(name: string, kind: JobKind, dice: Random): PlannedJob {
  const base = { name, kind, salt: dice.whole(1, 999_999), width: dice.whole(0, 60), pauseMs: 0 }
  if (kind === 'long') {
    const lines = dice.whole(20, 60)
    return { ...base, lines, pauseMs: Math.round(dice.whole(2000, 6000) / lines) }
  }
  if (kind === 'loud') return { ...base, lines: dice.whole(3000, 6000), width: 60 }
  return { ...base, lines: dice.whole(1, 40) }
}

/** The line of this number, as the attempt must print it: number, attempt, checksum, filling. */
export function lineOf(job: PlannedJob, attempt: number, n: number): string {
  const sum = (n * 7919 + attempt * 104_729 + job.salt) % 1_000_003
  return `${n} ${attempt} ${sum} ${'x'.repeat((n + job.salt) % (job.width + 1))}`
}

/** Everything that step 1 and step 2 of an attempt print. */
export function outputOf(job: PlannedJob, attempt: number): [string, string] {
  const lines = Array.from({ length: job.lines }, (_, i) => `${lineOf(job, attempt, i + 1)}\n`)
  return [lines.join(''), `end of ${job.name} attempt ${attempt}\n`]
}

/** How the job must end when nothing but its own script decides. */
export function resultOf(job: PlannedJob, attempt: number): { state: 'success' | 'failed'; exitCode: number; reason: string } {
  if (job.kind !== 'failing') return { state: 'success', exitCode: 0, reason: '' }
  const exitCode = failingExit(attempt)
  return { state: 'failed', exitCode, reason: `step close: exit ${exitCode}` }
}

/** The file of the one repository that all jobs build: what a job does is in its environment. Side effects are counted outside. */
export const raibidFile = (): string =>
  stringify({
    timeout: '5m',
    steps: [
      { name: 'work', run: work },
      { name: 'close', run: close },
    ],
  })

const work = `echo "begin $RAIBID_ATTEMPT" >> "$CHAOS_EFFECTS"
[ "$CHAOS_KIND" != poison ] || kill -9 $PPID
if [ "$CHAOS_KIND" = forking ]; then
  setsid sleep 300 > /dev/null 2>&1 < /dev/null &
  (setsid sh -c 'sleep 300; :' > /dev/null 2>&1 < /dev/null &)
fi
awk -v lines="$CHAOS_LINES" -v attempt="$RAIBID_ATTEMPT" -v salt="$CHAOS_SALT" -v width="$CHAOS_WIDTH" -v pause="$CHAOS_PAUSE" 'BEGIN {
  for (i = 0; i < 61; i++) filling = filling "x"
  for (n = 1; n <= lines; n++) {
    printf "%d %d %d %s\\n", n, attempt, (n * 7919 + attempt * 104729 + salt) % 1000003, substr(filling, 1, (n + salt) % (width + 1))
    if (pause > 0) { fflush(); system("sleep " pause) }
  }
}'
`
const close = `echo "end of $CHAOS_NAME attempt $RAIBID_ATTEMPT"
echo "end $RAIBID_ATTEMPT" >> "$CHAOS_EFFECTS"
[ "$CHAOS_KIND" != failing ] || exit $((10 + RAIBID_ATTEMPT))
`

/** The job as it is put on the queue. `effects`: the folder where its steps count what they did. */
export const specOf = (job: PlannedJob, from: { repo: string; commit: string; effects: string }): JobSpec => ({
  repo: from.repo,
  branch: 'main',
  commit: from.commit,
  pipeline: 'auto',
  pool: 'default',
  timeoutMs: 0,
  secrets: [],
  env: {
    CHAOS_NAME: job.name,
    CHAOS_KIND: job.kind,
    CHAOS_SALT: String(job.salt),
    CHAOS_LINES: String(job.lines),
    CHAOS_WIDTH: String(job.width),
    CHAOS_PAUSE: String(job.pauseMs / 1000),
    CHAOS_EFFECTS: `${from.effects}/${job.name}`,
  },
})
