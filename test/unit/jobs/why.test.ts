import { expect, test } from 'vitest'
import { explain } from '#lib/jobs/why/explain.ts'
import type { Facts } from '#lib/jobs/why/facts.ts'
import type { Job, Step } from '#lib/queue/types.ts'

const now = 1_000_000
const step = (name: string, durationMs: number | null, more: Partial<Step> = {}): Step => ({
  ...{ name, state: durationMs === null ? 'running' : 'success', exitCode: 0, durationMs },
  ...more,
})

const job = (more: Partial<Job>): Job =>
  ({
    ...{
      id: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      repo: '/r',
      branch: 'main',
      commit: 'a'.repeat(40),
      pipeline: 'auto',
      pool: 'default',
    },
    ...{ state: 'pending', reason: '', attempt: 0, tries: 0, createdAt: now - 5000, queuedAt: now - 4100 },
    ...{ startedAt: null, endedAt: null, dueAt: null, phases: [], steps: [], passed: [] },
    ...more,
  }) as unknown as Job

type Given = Partial<Omit<Facts, 'pool'>> & { pool?: Partial<Facts['pool']> }
const facts = ({ pool, ...more }: Given = {}): Facts => ({
  ...{ now, before: 0, running: [], earlier: [], errors: [] },
  ...more,
  pool: { max: 2, paused: null, trouble: null, down: false, ...pool },
})

const ran = (ms: number, steps: Step[] = [], more: Partial<Job> = {}): Job =>
  job({ state: 'success', startedAt: now - ms, endedAt: now, queuedAt: now - ms - 10, attempt: 1, steps, ...more })
const busy = [
  job({ id: 'x7QK2', state: 'running', startedAt: now - 20_000 }),
  job({ id: 'y9ZAB', state: 'running', startedAt: now - 5000 }),
]

const table: [string, Job, Given, string][] = [
  [
    'all agents are at work, and how long they take is known',
    job({}),
    { running: busy, earlier: [ran(60_000)] },
    'waiting 4.1s: 2 agents busy (max 2); next free: …7QK2 in about 40.0s',
  ],
  [
    'others are before it, and nothing is known',
    job({}),
    { running: busy, before: 3 },
    'waiting 4.1s: 2 agents busy (max 2); 3 jobs before it; nothing is known of how long they take',
  ],
  ['one over its usual time', job({}), { running: busy, earlier: [ran(3000)] }, 'any moment (it is over its usual time)'],
  ['an agent is on its way', job({}), {}, 'waiting 4.1s: an agent is being started'],
  ['the pool is down', job({}), { pool: { down: true } }, 'no pool runs on this machine; start it with: just up'],
  [
    'the pool is paused',
    job({}),
    { pool: { paused: 'disk' } },
    'the pool default is paused (disk); let it go on with: just resume default',
  ],
  ['a watcher knows why', job({}), { pool: { max: null, trouble: 'no image x:1' } }, 'waiting 4.1s: no image x:1'],
  [
    'its agent was lost',
    job({ attempt: 1, reason: 'agent lost: SIGKILL' }),
    {},
    'an agent is being started; it runs again, for: agent lost: SIGKILL',
  ],
  [
    'delayed',
    job({ state: 'delayed', reason: 'clone: no route', dueAt: now + 8000 }),
    {},
    'delayed: clone: no route; it runs again in 8.0s',
  ],
  ['held', job({ state: 'held', reason: 'a fork’s: just approve' }), {}, 'held for 5.0s: a fork’s: just approve'],
  [
    'running',
    job({ state: 'running', startedAt: now - 3000, phases: [step('clone', 1000)], steps: [step('test', null)] }),
    { earlier: [ran(9000, [step('test', 2500)])] },
    'running for 3.0s: test for about 2.0s (usually 2.5s); queued 1.1s',
  ],
  [
    'queued, by its parts',
    ran(1000, [], { queuedAt: now - 7200, phases: [step('clone', 5, { bornAt: now - 1200 })] }),
    {},
    'success in 1.0s; queued 6.2s = until an agent was started 6.0s + its start 200ms',
  ],
  [
    'queued, for a warm agent',
    ran(1000, [], { queuedAt: now - 1200, phases: [step('clone', 5, { bornAt: now - 9999 })] }),
    {},
    'queued 200ms, for an agent that was there',
  ],
  [
    'slow, at one step, without its cache',
    ran(93_000, [step('test', 80_000), step('lint', 10_000)], {
      phases: [
        step('cache', 1, {
          cache: [{ paths: ['target'], outcome: 'miss', reason: 'Cargo.lock changed', bytes: 0, restoreMs: 0, savedMs: null }],
        }),
      ],
    }),
    { earlier: [ran(30_000, [step('test', 20_000), step('lint', 9000)])] },
    'success in 1m33s, 3.1 × the usual 30.0s: test 1m20s instead of 20.0s; cache of target: Cargo.lock changed',
  ],
  ['not slow', ran(1900), { earlier: [ran(1000)] }, 'success in 1.9s (usually 1.0s)'],
  [
    'failed',
    ran(12_000, [], { state: 'failed', reason: 'step test: exit 101' }),
    { errors: ['error[E0308]: mismatched types', '  --> src/lib.rs:3:5'] },
    'failed after 12.0s: step test: exit 101 | error[E0308]: mismatched types | --> src/lib.rs:3:5',
  ],
  [
    'given up',
    job({ state: 'dead', tries: 3, reason: 'agent lost: SIGKILL' }),
    {},
    'given up after 3 lost agents: agent lost: SIGKILL; run it again with: just retry Q69G5FAV'.replace('Q69G5FAV', '9G5FAV'),
  ],
  [
    'cancelled early',
    job({ state: 'cancelled', reason: 'superseded by 3f2c1a9' }),
    {},
    'cancelled before it ran: superseded by 3f2c1a9',
  ],
]

test.each(table)('%s', (_, one, given, line) => {
  const said = explain(one, facts(given))
  expect(said).toContain(line)
  expect(said).not.toMatch(/\n|undefined|NaN|null/)
})

test('builds of another repository or pipeline say nothing about what is usual', () => {
  const earlier = [ran(1, [], { repo: '/other' }), ran(1, [], { pipeline: 'rust' })]
  expect(explain(ran(60_000), facts({ earlier }))).toMatch(/^success in 1m00s; /)
})
