import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { leftFiles, leftProcesses } from '#lib/chaos/leftovers.ts'
import { loadConfig } from '#lib/config.ts'
import { startPool } from '#lib/pool/pool.ts'
import { notedAgents, notes, type AgentNote } from '#lib/pool/state.ts'
import { isSameProcess, startTimeOf } from '#lib/processes.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { counting, stepsRepo } from '#test/helpers/steps-repo.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeEach(async () => {
  pool = await testPool()
})
afterEach(() => pool.close())

const ready = (but?: AgentNote): Promise<AgentNote> =>
  waitFor('a spare', () => notes(pool.home).find((note) => note.spare === 'ready' && note.name !== but?.name))
const lives = (note: AgentNote): boolean => isSameProcess(note.pid, note.startTime)
const gone = (note: AgentNote): Promise<boolean> => waitFor('the end of the spare', () => !lives(note))
const killed = async (): Promise<void> => {
  process.kill(pool.supervisor()!, 'SIGKILL')
  await waitFor('the supervisor to be gone', () => pool.supervisor() === null)
}

describe('a spare', () => {
  test('becomes the agent of the next job, as the same process; another follows', async () => {
    await pool.up('--max', '1')
    const spare = await ready()
    const file = join(pool.home, 'go-on')
    const id = await pool.enqueue(stepsRepo(`ls -l /proc/$$/fd; echo waits; until [ -e '${file}' ]; do sleep 0.1; done`).path)
    await pool.said(id, 'waits')
    expect(await pool.agentOf(id)).toEqual({ name: spare.name, pid: spare.pid, startTime: spare.startTime, pool: 'default' })
    // no second agent for the one that may be there, and nothing of the channel in a step
    expect(notedAgents(pool.home)).toHaveLength(1)
    expect(await pool.log(id)).not.toMatch(/socket/)
    const next = await ready()
    expect([next.name === spare.name, lives(spare)]).toEqual([false, true])
    writeFileSync(file, '')
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1, agent: spare.name })
    await gone(spare)
    expect(lives(next)).toBe(true)
    const again = await pool.enqueue(stepsRepo('echo again').path)
    expect(await pool.ended(again)).toMatchObject({ state: 'success', agent: next.name })
  })

  test('is no agent: not in `queue`, not connected, and counts for nothing', async () => {
    await pool.up('--max', '1')
    const spare = await ready()
    expect(JSON.parse(await pool.must('jobs/queue', '--json'))).toMatchObject({ agents: [] })
    expect(notedAgents(pool.home)).toEqual([])
    const sockets = readdirSync(`/proc/${spare.pid}/fd`).map((fd) => readlinkSync(`/proc/${spare.pid}/fd/${fd}`))
    const tcp = readFileSync('/proc/net/tcp', 'utf8')
    for (const inode of sockets.flatMap((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1] ?? [])) expect(tcp).not.toContain(inode)
    expect(leftFiles(pool.home, pool.home + '/none')).toEqual([])
  })

  test('that is killed is replaced, and the job that came meanwhile is run', async () => {
    await pool.up('--max', '1')
    const spare = await ready()
    process.kill(spare.pid, 'SIGKILL')
    const id = await pool.enqueue(stepsRepo('echo fine').path)
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1 })
    await ready(spare)
    await waitFor('one folder', () => readdirSync(join(pool.home, 'run/tmp')).length === 1)
  })

  test('is not used when the configuration has changed since it was booted', async () => {
    const { path, remove } = tmpFolder({ 'raibid.yaml': 'agent: { idle: 20s }\n' })
    onTestFinished(remove)
    await pool.close()
    pool = await testPool({ RAIBID_CONFIG: join(path, 'raibid.yaml') })
    await pool.up('--max', '1')
    const spare = await ready()
    writeFileSync(join(path, 'raibid.yaml'), 'jobTimeout: 1s\n')
    const id = await pool.enqueue(stepsRepo('sleep 30').path)
    expect(await pool.ended(id)).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^timed out after 1/) })
    expect((await pool.job(id)).agent).not.toBe(spare.name)
    await gone(spare)
    await ready(spare)
  })
})

describe('nothing of a spare is left', () => {
  const nothing = async (...spares: AgentNote[]): Promise<void> => {
    for (const spare of spares) await gone(spare)
    expect([notes(pool.home), existsSync(join(pool.home, 'run/tmp'))]).toEqual([[], false])
    expect(leftProcesses(pool.home, [process.pid])).toEqual([])
  }

  test.each([[[]], [['--now']]])('by `down` %j', async (flags) => {
    await pool.up('--max', '1')
    const spare = await ready()
    await pool.down(...flags)
    await nothing(spare)
  })

  test('by `down` while one boots, and while one is made an agent', async () => {
    for (const enqueue of [false, true]) {
      await pool.up('--max', '1')
      if (enqueue) await ready()
      const id = enqueue ? pool.enqueue(stepsRepo('echo fine').path) : null
      if (id) await waitFor('the agent', () => notedAgents(pool.home).length === 1)
      await pool.down('--now')
      await id
      await nothing()
    }
  })

  test('when its supervisor is killed: it ends by itself, and the next supervisor has its own', async () => {
    await pool.up('--max', '1')
    const spare = await ready()
    await killed()
    await gone(spare)
    await pool.up('--max', '1')
    const next = await ready(spare)
    await waitFor('one note', () => notes(pool.home).length === 1)
    expect(readdirSync(join(pool.home, 'run/tmp'))).toEqual([next.name])
    expect(pool.story()).not.toContain(`agent ${spare.name}`)
  })

  test.each(['up', 'down'] as const)('by `%s` after a killed supervisor, although it hangs', async (task) => {
    await pool.up('--max', '1')
    const spare = await ready()
    process.kill(spare.pid, 'SIGSTOP')
    await killed()
    expect(lives(spare)).toBe(true)
    await pool[task]()
    await gone(spare)
    if (task === 'down') await nothing(spare)
  })

  test('when its supervisor is killed while it works as an agent: the job goes on', async () => {
    await pool.up('--max', '1')
    const spare = await ready()
    const id = await pool.enqueue(stepsRepo(counting(30)).path)
    await pool.said(id, 'line 2\n')
    await killed()
    await pool.up('--max', '1')
    expect(await pool.ended(id)).toMatchObject({ state: 'success', attempt: 1, agent: spare.name })
  })
})

test('one that can’t boot counts as a failing agent: a human is told, without any job', { timeout: 60_000 }, async () => {
  const { path: root, remove } = tmpFolder({ 'agent/main.ts': 'throw new Error("a broken install")' })
  onTestFinished(remove)
  const config = { ...(await loadConfig({ env: { RAIBID_HOME: pool.home } })), root }
  const said: string[] = []
  const own = await startPool({ config, say: (text) => said.push(text) })
  const pid = (): number | undefined => notes(pool.home)[0]?.pid
  await waitFor('the message', () => said.some((text) => text.startsWith('needs a human: 3 agents in a row')), 30_000)
  expect(said.filter((text) => /^agent \S+ ended \(exit 1\)$/.test(text))).toHaveLength(3)
  own.stop('now')
  await own.stopped
  expect(pid() === undefined || startTimeOf(pid()!) === null).toBe(true)
})
