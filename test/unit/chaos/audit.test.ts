import { describe, expect, test } from 'vitest'
import { audit } from '#lib/chaos/audit.ts'
import type { Facts, JobFacts } from '#lib/chaos/facts.ts'
import type { Sample } from '#lib/chaos/sample.ts'
import { aJob, aPlan, facts } from './facts.ts'

/** The invariants that are broken, each once. */
const broken = (all: Facts): string[] => [...new Set(audit(all).map(({ invariant }) => invariant))]
const after = (change: (job: JobFacts) => unknown, job = aJob()): string[] => {
  change(job)
  return broken(facts(job))
}
const sample = (more: Partial<Sample> = {}): Sample => ({
  at: 1,
  entries: 2,
  runnable: 1,
  running: 1,
  delayed: 0,
  withoutEntry: [],
  withoutJob: [],
  outOfPlace: [],
  ...more,
})

describe('nothing is found', () => {
  test.each([
    ['in a job that succeeded', aJob()],
    ['in one that failed as its script says', aJob(aPlan({ kind: 'failing' }), 2)],
    ['in one that lost two agents', aJob(aPlan(), 3)],
  ])('%s', (_, job) => expect(audit(facts(job))).toEqual([]))

  test('in a job that was given up after three losses', () => {
    const job = aJob(aPlan({ kind: 'poison' }), 3, { state: 'dead', tries: 3 })
    job.ended = {}
    job.began = { 1: 1, 2: 1, 3: 1 }
    expect(audit(facts(job))).toEqual([])
  })

  test('in a job whose record was deleted on purpose, nor in samples that show it half gone', () => {
    const job = { ...aJob(), job: null, deleted: true }
    expect(audit(facts(job, { samples: [sample({ entries: 3, withoutJob: [job.id], outOfPlace: [job.id] })] }))).toEqual([])
  })
})

describe('it is found that', () => {
  test('an acknowledged job is gone, or never ends', () => {
    expect(after((job) => (job.job = null))).toEqual(['lost'])
    expect(after((job) => (job.job!.state = 'running'))).toEqual(['lost'])
    expect(broken({ ...facts(aJob()), jobs: [] })).toEqual(['lost'])
  })

  test('a job became final twice, or not at all, or changed after its end', () => {
    expect(after((job) => job.changes.push(job.changes.at(-1)!))).toContain('one-final-state')
    expect(after((job) => job.changes.pop())).toContain('one-final-state')
    expect(after((job) => job.changes.push({ ...job.changes[0]!, state: 'pending' }))).toContain('one-final-state')
  })

  test('a second attempt began while the first ran, or an attempt was counted twice', () => {
    const job = aJob(aPlan(), 2)
    job.changes.splice(2, 1)
    expect(broken(facts(job))).toContain('one-result')
    expect(after((job) => job.changes.splice(1, 0, job.changes[1]!))).toContain('one-result')
  })

  test('an attempt was run twice, or its steps did not run to their end', () => {
    expect(after((job) => (job.began = { 1: 2 }))).toEqual(['one-result'])
    expect(after((job) => (job.ended = {}))).toEqual(['one-result'])
    expect(after((job) => (job.began = { 1: 1, 2: 1 }))).toEqual(['one-result'])
  })

  test('another agent’s result was accepted: by its name, its exit code or its times', () => {
    expect(after((job) => (job.changes.at(-1)!.actor = 'zombie'))).toEqual(['stale-result'])
    const failing = aJob(aPlan({ kind: 'failing' }), 2, { exitCode: 11 })
    expect(broken(facts(failing))).toContain('stale-result')
    expect(after((job) => (job.job!.steps[0]!.durationMs = 99))).toEqual(['log'])
  })

  test('a result is not what the script makes it; a cancel was lost; nobody cancelled; given up too early', () => {
    expect(after((job) => (job.job!.exitCode = 3))).toEqual(['wrong-result'])
    expect(after((job) => job.changes.splice(2, 0, { ...job.changes[1]!, state: 'cancelling' }))).toEqual(['wrong-result'])
    expect(broken(facts(aJob(aPlan(), 1, { state: 'cancelled' })))).toContain('wrong-result')
    expect(broken(facts(aJob(aPlan(), 2, { state: 'dead', tries: 2 })))).toContain('wrong-result')
  })

  test('one key was answered by two jobs', () => {
    const job = aJob()
    const second = { ...aJob(), id: '01J00000000000000000000001' }
    const acknowledged = [{ plan: job.plan, ids: [job.id, second.id] }]
    expect(broken(facts(job, { acknowledged, jobs: [job, second] }))).toContain('one-key-one-job')
  })

  test.each([
    ['a job without an entry', { withoutEntry: ['x'] }],
    ['an entry without a job', { withoutJob: ['x'] }],
    ['a member that has no place', { outOfPlace: ['x'] }],
    ['an entry too many', { entries: 3 }],
  ])('the counts differ: %s', (_, more) => {
    expect(broken(facts(aJob(), { samples: [sample(), sample(more)] }))).toEqual(['count'])
  })

  test('there were more agents than may be', () => {
    const agents = [4, 5, 3].map((n) => ({ at: n, agents: n }))
    expect(broken(facts(aJob(), { agents }))).toEqual(['agents'])
    expect(broken(facts(aJob(), { agents, max: 5 }))).toEqual([])
  })

  test('something is left, or is there again, or came from nowhere', () => {
    expect(broken(facts(aJob(), { left: ['process 7 sleep'] }))).toEqual(['left'])
    expect(after((job) => (job.deleted = true))).toEqual(['left'])
    expect(broken(facts(aJob(), { strangers: ['01X'] }))).toEqual(['left'])
  })
})
