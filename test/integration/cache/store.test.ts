import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { forkRegistries } from '#lib/cache/fork-env.ts'
import { restoreCaches } from '#lib/cache/job.ts'
import { prune } from '#lib/cache/room.ts'
import { listEntries } from '#lib/cache/store.ts'

const limits = { maxAge: 1e9, maxSize: 1e9, minFree: 0 }
const specs = [{ key: ['lock'], paths: ['out'] }]
let root: string
let jobs: string
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'raibid-store-')), 'builds')
  jobs = mkdtempSync(join(tmpdir(), 'raibid-jobs-'))
})

interface Work {
  lock?: string
  fork?: boolean
  /** Null: it fails. */
  make?: ((out: string, workspace: string) => void) | null
  place?: { root?: string; jobs?: string; startedAt?: number; limits?: typeof limits }
  repo?: string
}

/** What an agent does with the caches of one job. Gives what it found, before it made something. */
async function job({
  lock = 'x',
  fork = false,
  make = (out) => writeFileSync(join(out, 'made'), lock),
  place = {},
  repo = 'r',
}: Work = {}) {
  const scratch = mkdtempSync(join(place.jobs ?? jobs, 'job-'))
  const workspace = join(scratch, 'src')
  mkdirSync(workspace)
  writeFileSync(join(workspace, 'lock'), lock)
  const signal = new AbortController().signal
  const all = {
    root: place.root ?? root,
    limits: place.limits ?? limits,
    startedAt: place.startedAt ?? Date.now(),
    mark: 'test-cache',
  }
  const env = { PATH: process.env['PATH']! }
  const caches = await restoreCaches({ ...all, repo, commit: '', fork, workspace, scratch, env, signal }, specs)
  const out = join(workspace, 'out')
  const found = existsSync(join(out, 'made')) ? readFileSync(join(out, 'made'), 'utf8') : null
  if (make) {
    mkdirSync(out, { recursive: true })
    make(out, workspace)
    await caches.succeeded(1000)
  }
  await caches.keep(make ? 'success' : 'failed', signal)
  const lockAt = statSync(join(workspace, 'lock')).mtimeMs
  rmSync(scratch, { recursive: true })
  return { use: caches.uses[0]!, found, lockAt }
}

const entries = async () => (await listEntries(root)).entries
const leftovers = () =>
  ['incoming', 'leaving'].flatMap((name) => (existsSync(join(root, name)) ? readdirSync(join(root, name)) : []))

test('a hit takes the spare and gives it back; a second one meanwhile copies the base', async () => {
  await job()
  const [made] = await entries()
  expect(made).toMatchObject({ meta: { present: [0], coldMs: 1000 }, spares: [{ uses: 0 }] })
  const both = await Promise.all([job(), job()])
  expect(both.map(({ use, found }) => [use.outcome, found])).toEqual([
    ['hit', 'x'],
    ['hit', 'x'],
  ])
  expect(both[0].use.savedMs).toBe(0)
  expect((await entries())[0]!.spares.map(({ uses }) => uses).sort()).toEqual([1, 1])
  expect(leftovers()).toEqual([])
})

test('a base is only ever copied from', async () => {
  await job()
  const base = join((await entries())[0]!.folder, 'base/0/made')
  await job({ make: (out) => writeFileSync(join(out, 'made'), 'changed in place') })
  await job({ make: null })
  expect(readFileSync(base, 'utf8')).toBe('x')
  expect((await entries())[0]!.spares).toHaveLength(1)
})

test('a spare that has been used 20 times, or has grown to twice its base, is dropped', async () => {
  await job()
  for (let n = 1; n < 20; n++) await job()
  expect((await entries())[0]!.spares).toMatchObject([{ uses: 19 }])
  await job()
  expect((await entries())[0]!.spares).toMatchObject([{ uses: 0 }])
  await job({ make: (out) => writeFileSync(join(out, 'large'), Buffer.alloc(101e6)) })
  expect((await entries())[0]!.spares).toMatchObject([{ uses: 0, bytes: (await entries())[0]!.meta.bytes }])
})

test('a fork reads, takes no spare away, and changes no byte of the store', async () => {
  await job()
  const state = () =>
    execFileSync('sh', ['-c', `find . -printf '%p %s %T@\\n' | sort; cat */*/meta.json`], { cwd: root, encoding: 'utf8' })
  const before = state()
  const hit = await job({ fork: true, make: (out) => writeFileSync(join(out, 'made'), 'poison') })
  const near = await job({ fork: true, lock: 'other', make: (out) => writeFileSync(join(out, 'made'), 'poison') })
  const miss = await job({ fork: true, repo: 'another' })
  expect([hit, near, miss].map(({ use, found }) => [use.outcome, found])).toEqual([
    ['hit', 'x'],
    ['near', 'x'],
    ['miss', null],
  ])
  expect(state()).toBe(before)
})

test.each([
  ['the record is cut off', (folder: string) => truncateSync(join(folder, 'meta.json'), 10)],
  ['the record is gone', (folder: string) => rmSync(join(folder, 'meta.json'))],
  ['the base is gone', (folder: string) => rmSync(join(folder, 'base'), { recursive: true })],
  ['a part of the trees is gone', (folder: string) => execFileSync('sh', ['-c', 'rm -r base/0 spare.*/0'], { cwd: folder })],
])('a damaged entry (%s) is a miss, and is made anew', async (_, damage) => {
  await job()
  damage((await entries())[0]!.folder)
  const { use, found } = await job()
  expect([use.outcome, found]).toEqual(['miss', null])
  expect((await job()).use.outcome).toBe('hit')
})

test('sources that are older than a cache from other sources are made newer', async () => {
  await job()
  const startedAt = Date.now() - 10_000
  const made = (await entries())[0]!.spares[0]!.madeAt
  const old = await job({ place: { startedAt } })
  expect([old.use.outcome, old.lockAt > made]).toEqual(['hit', true])
  // one from a machine whose clock is ahead
  const [entry] = await entries()
  const ahead = Date.now() + 3_600_000
  const [spare] = readdirSync(entry!.folder).filter((name) => name.startsWith('spare'))
  execFileSync('mv', [spare!, spare!.replace(/\.\d{13}\./, `.${ahead}.`)], { cwd: entry!.folder })
  expect((await job()).lockAt).toBeGreaterThan(ahead)
})

test('what a process that was killed left half made is swept; what a living one makes is not', async () => {
  await job()
  mkdirSync(join(root, 'incoming/00000000.1.1.01ARZ3NDEKTSV4RRFFQ69G5FAV'), { recursive: true })
  mkdirSync(join(root, 'leaving/x'), { recursive: true })
  const { incoming } = await import('#lib/cache/store.ts')
  const mine = await incoming(root)
  await prune(root, limits)
  expect(leftovers()).toEqual([mine.split('/').at(-1)])
})

test('what is too old goes, and the last used stays', async () => {
  await job()
  await job({ lock: 'y' })
  expect(await prune(root, { ...limits, maxAge: 3_600_000 })).toEqual([])
  const [first] = (await entries()).sort((a, b) => a.meta.madeAt - b.meta.madeAt)
  const file = join(first!.folder, 'meta.json')
  writeFileSync(file, JSON.stringify({ ...first!.meta, usedAt: Date.now() - 7_200_000 }))
  utimesSync(file, 0, 0)
  expect(await prune(root, { ...limits, maxAge: 3_600_000 })).toMatchObject([{ entry: { key: first!.key } }])
  expect(await entries()).toHaveLength(1)
})

test('what is too large, or leaves too little free disk, is not saved, and the job says why', async () => {
  const large = await job({ place: { limits: { ...limits, maxSize: 1000 } } })
  expect(large.use.notSaved).toBe('out: it is larger than 200 bytes')
  const full = await job({ place: { limits: { ...limits, minFree: 1e18 } } })
  expect(full.use.notSaved).toBe('the disk is nearly full')
  expect(await entries()).toEqual([])
})

const canMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  }
})()

test.skipIf(!canMount)(
  `a full disk is a miss, and leaves nothing half there${canMount ? '' : ' [skipped: no right to mount]'}`,
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'raibid-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk])
    onTestFinished(() => void execFileSync('umount', ['-l', disk]))
    const big = { make: (out: string) => writeFileSync(join(out, 'made'), Buffer.alloc(3e6, 'x')) }
    // the store is on the full disk
    const small = { ...big, place: { root: join(disk, 'builds') } }
    await job(small)
    const told = await job({ ...small, lock: 'second', place: { ...small.place, limits: { ...limits, minFree: 3e6 } } })
    expect([told.use.outcome, told.use.notSaved]).toEqual(['near', 'the disk is nearly full'])
    await job(small)
    const reckless = { ...limits, minFree: -1e9 }
    await expect(job({ ...small, lock: 'third', place: { ...small.place, limits: reckless } })).rejects.toThrow(/disk is full/)
    expect(readdirSync(join(disk, 'builds/incoming'))).toEqual([])
    expect((await job(small)).use.outcome).toBe('hit')
    // the older one makes room
    await job({ ...small, lock: 'fourth' })
    expect([
      (await job({ ...small, lock: 'fourth', fork: true })).use.outcome,
      (await job({ ...small, fork: true })).use.outcome,
    ]).toEqual(['hit', 'near'])
    execFileSync('rm', ['-r', join(disk, 'builds')])
    // the workspace is
    await job(big)
    writeFileSync(join(disk, 'filler'), Buffer.alloc(3e6))
    const { use, found } = await job({ make: null, place: { jobs: disk } })
    expect([use, found]).toEqual([
      expect.objectContaining({ outcome: 'miss', reason: expect.stringMatching(/disk is full/) }),
      null,
    ])
  },
)

test('the registries of a fork: its own, with the settings of cargo but no login', async () => {
  const home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
  mkdirSync(join(home, '.cargo'))
  writeFileSync(join(home, '.cargo/config.toml'), '[net]\nretry = 5\n')
  writeFileSync(join(home, '.cargo/config'), '[registry]\ntoken = "t"\n')
  writeFileSync(join(home, '.cargo/credentials.toml'), 'x')
  const own = await forkRegistries(join(jobs, 'registries'), { HOME: home })
  expect(readdirSync(own['CARGO_HOME']!)).toEqual(['config.toml'])
  expect(Object.values(own).every((path) => path.startsWith(jobs))).toBe(true)
})
