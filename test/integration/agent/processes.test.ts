import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { endMarked, findMarked, isSameProcess, startTimeOf } from '#lib/processes.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const variable = 'RAIBID_TEST_MARK'

/** A bash in a session of its own that carries a fresh mark. */
function start(script: string, cwd = '/'): { child: ChildProcess; mark: string; pid: number } {
  const mark = randomUUID()
  const child = spawn('bash', ['-c', script], {
    cwd,
    env: { PATH: process.env['PATH']!, [variable]: mark },
    detached: true,
    stdio: 'ignore',
  })
  onTestFinished(async () => void (await endMarked(variable, mark, { graceMs: 0, groups: [child.pid!] })))
  return { child, mark, pid: child.pid! }
}

/** The processes whose command line has this text in it. */
function running(text: string): number[] {
  const pids = readPids()
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text) && startTimeOf(pid) !== null
    } catch {
      return false
    }
  })
}
const readPids = (): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)

test('a process is known by its pid and start time, until it is gone', async () => {
  const { child, pid } = start('read -r < <(sleep 600)')
  const startTime = startTimeOf(pid)!
  expect(startTime).toMatch(/^\d+$/)
  expect(isSameProcess(pid, startTime)).toBe(true)
  expect(isSameProcess(pid, String(Number(startTime) + 1))).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(startTimeOf(pid)).toBeNull()
})

test('a zombie is gone', async () => {
  // exec keeps the finished child unreaped: sleep never waits.
  const { pid } = start('sleep 0 & echo $! ; exec sleep 600')
  await waitFor('a zombie', () => readPids().some((one) => statOf(one)?.startsWith(`Z ${pid} `)))
  const zombie = readPids().find((one) => statOf(one)?.startsWith(`Z ${pid} `))!
  expect(startTimeOf(zombie)).toBeNull()
})

function statOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)
  } catch {
    return undefined
  }
}

test('finds exactly the value', async () => {
  const { mark, pid } = start('sleep 600; :')
  await waitFor('both', () => findMarked(variable, mark).length === 2)
  expect(findMarked(variable, mark)).toContain(pid)
  expect(findMarked(variable, mark.slice(0, -1))).toEqual([])
  expect(findMarked(variable.slice(1), mark)).toEqual([])
  expect(findMarked(variable, '')).toEqual([])
})

const unique = (): string => String(100_000 + Math.floor(Math.random() * 900_000))

test.for<[string, (sleep: string) => string]>([
  ['one that ignores TERM', (sleep) => `trap '' TERM; ${sleep}; ${sleep}`],
  ['a grandchild in a session of its own', (sleep) => `setsid bash -c "setsid ${sleep} & wait" & wait`],
  ['an orphan in a session of its own', (sleep) => `(setsid ${sleep} &) ; ${sleep}`],
  ['a child without the environment', (sleep) => `env -i ${sleep}; :`],
  ['an orphan without the environment, in the same session', (sleep) => `(env -i ${sleep} &); ${sleep}`],
  ['an orphan without the environment, in another group of the session', (sleep) => `set -m; (env -i ${sleep} &); ${sleep}`],
  ['a child without the environment in a session of its own', (sleep) => `env -i setsid -w ${sleep}; :`],
  ['children that are started again and again', (sleep) => `trap '' TERM; while :; do ${sleep} & wait $!; done`],
  ['a stopped one', (sleep) => `kill -STOP $$; ${sleep}`],
])('ends %s', async ([, script]) => {
  const seconds = unique()
  const { mark, pid } = start(script(`sleep ${seconds}`))
  await waitFor('the start', () => running(`sleep ${seconds}`).length > 0)
  const begin = performance.now()
  expect(await endMarked(variable, mark, { graceMs: 200, groups: [pid] })).toBe(0)
  expect(performance.now() - begin).toBeLessThan(1500)
  expect(running(`sleep ${seconds}`)).toEqual([])
})

test('lets a clean-up finish within the grace', async () => {
  const { path, remove } = tmpFolder()
  onTestFinished(remove)
  const { mark } = start(
    `trap 'sleep 0.2; echo tidy > ${path}/done; exit' TERM; touch ${path}/ready; while :; do sleep 0.05; done`,
  )
  await waitFor('the trap', () => readdirSync(path).includes('ready'))
  expect(await endMarked(variable, mark, { graceMs: 5000 })).toBe(0)
  expect(readdirSync(path)).toContain('done')
})

test('a server that has written over its environment is known by its folder', async () => {
  const { path, remove } = tmpFolder()
  onTestFinished(remove)
  // What is left when nothing but the folder tells: no mark, no parent, no session.
  const seconds = unique()
  const { mark, child } = start(`cd ${path}; env -i setsid sleep ${seconds} & exit`)
  await once(child, 'exit')
  await waitFor('the orphan', () => running(`sleep ${seconds}`).length === 1)
  expect(await endMarked(variable, mark, { graceMs: 100 })).toBe(0)
  expect(running(`sleep ${seconds}`)).toHaveLength(1)
  expect(await endMarked(variable, mark, { graceMs: 100, folder: path })).toBe(0)
  expect(running(`sleep ${seconds}`)).toEqual([])
})

test('nothing to end: at once', async () => {
  const begin = performance.now()
  expect(await endMarked(variable, randomUUID(), { graceMs: 1000 })).toBe(0)
  expect(performance.now() - begin).toBeLessThan(500)
})

test('finds a process that runs one program after another, whenever it looks', async () => {
  // In the middle of an exec a process has no environment.
  const { mark, pid } = start(`loop='exec bash -c "$0" "$0"'; exec bash -c "$loop" "$loop"`)
  for (let look = 0; look < 200; look++) expect(findMarked(variable, mark)).toEqual([pid])
})
