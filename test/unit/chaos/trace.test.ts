import { describe, expect, test } from 'vitest'
import { score, scoreboard, spread } from '#lib/chaos/scoreboard.ts'
import { shortestTrace, trace } from '#lib/chaos/trace.ts'
import { aJob, aPlan, facts } from './facts.ts'

describe('a trace', () => {
  test('has every change of the job and what was done to it or to all meanwhile, in order', () => {
    const job = aJob()
    job.changes.forEach((change, n) => (change.at = 1000 + 100 * n))
    const notes = [
      { at: 1050, text: 'SIGKILL to a1', job: job.id },
      { at: 1150, text: 'redis-server is killed' },
      { at: 5000, text: 'much later' },
      { at: 1060, text: 'done to another', job: 'x' },
    ]
    const lines = trace(job.id, job.changes, notes).split('\n')
    expect(lines.map((line) => line.replace(/^.* ms {2}/, ''))).toEqual([
      'pending    attempt 0  by enqueue',
      '⚡ SIGKILL to a1',
      'running    attempt 1  by a1',
      '⚡ redis-server is killed',
      'success    attempt 1  by a1',
    ])
  })

  test('of several violations the shortest is told', () => {
    const [short, long] = [aJob(), { ...aJob(aPlan(), 3), id: 'long' }]
    for (const change of long.changes) change.job = long.id
    const violations = [long, short].map(({ id }) => ({ invariant: 'log' as const, job: id, text: 'wrong' }))
    const told = shortestTrace(violations, { jobs: [long, short] }, [])
    expect(told).toMatch(new RegExp(`^${short.id} \\(log\\): wrong\n`))
    expect(shortestTrace([{ invariant: 'left', job: null, text: 'x' }], { jobs: [] }, [])).toBe(null)
  })
})

describe('the score', () => {
  const outcome = {
    seed: 7,
    facts: facts(aJob()),
    violations: [
      { invariant: 'lost' as const, job: 'a', text: '' },
      { invariant: 'stale-result' as const, job: 'b', text: '' },
      { invariant: 'log' as const, job: 'c', text: '', linesLost: 12 },
    ],
    faults: [
      ...[10, 30, 20].map((recoveryMs) => ({ kind: 'redis-killed' as const, hit: true, recoveryMs })),
      { kind: 'redis-killed' as const, hit: true, recoveryMs: null },
      { kind: 'outage' as const, hit: false, recoveryMs: null },
    ],
    skipped: { 'disk-full': 'no root' },
    durationMs: 1500,
  }

  test('counts by promise, and measures by kind of fault', () => {
    expect(score(outcome)).toMatchObject({
      jobs: 1,
      faults: 4,
      seed: 7,
      lost: 1,
      doubleAccepted: 1,
      logLinesLost: 12,
      violations: 3,
      recoveryMs: { 'redis-killed': { n: 3, p50: 20, p95: 30, max: 30 } },
      missed: { outage: 1 },
      unrecovered: { 'redis-killed': 1 },
      states: { success: 1 },
    })
  })

  test('is shown with what was skipped, and with the seed', () => {
    const shown = scoreboard(score(outcome))
    expect(shown).toMatch(/^redis-killed +4 +0 +20 +30 +30 +1$/m)
    expect(shown).toContain('skipped: disk-full (no root)')
    expect(shown).toMatch(/seed 7: 1 jobs \(1 success\) in 1 attempts, 4 faults/)
    expect(shown).toMatch(/^1 lost, 1 accepted twice, 12 log lines lost, 3 violations$/m)
  })

  test('a spread of one value is that value', () => expect(spread([5])).toEqual({ n: 1, p50: 5, p95: 5, max: 5 }))
})
