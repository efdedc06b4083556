import { spawn } from 'node:child_process'
import type * as childProcess from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAgents, type AgentEnd } from '#lib/pool/agents.ts'
import { noteAgent, notedAgents } from '#lib/pool/state.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'

const killed = vi.hoisted(() => ({ atSpawn: false }))
vi.mock('node:child_process', async (original) => {
  const real = await original<typeof childProcess>()
  const spawn = (...args: Parameters<typeof real.spawn>): unknown => {
    if (killed.atSpawn) throw new Error('a kill -9 in this moment')
    return real.spawn(...args)
  }
  return { ...real, spawn }
})

/** The agents of a new home, whose agent/main.ts is this script; and the end of the first of them. */
function agentsOf(script: string) {
  const { path: root, remove } = tmpFolder({ 'agent/main.ts': script })
  onTestFinished(remove)
  let onEnd = (_: AgentEnd): void => {}
  const end = new Promise<AgentEnd>((resolve) => (onEnd = resolve))
  const home = join(root, 'home')
  const agents = createAgents({
    root,
    home,
    redisUrl: 'redis://127.0.0.1:1',
    idleMs: () => 1000,
    onEnd: (one) => Promise.resolve(onEnd(one)),
    say: () => {},
  })
  return { root, home, agents, end }
}

test('the temporary files of an agent that was killed go with it', async () => {
  const { root, home, agents, end } = agentsOf(`
    import { writeFileSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    writeFileSync(import.meta.dirname + '/../found', tmpdir())
    writeFileSync(tmpdir() + '/left', '')
    process.kill(process.pid, 'SIGKILL')`)
  agents.start('default', false)
  await end
  const tmp = readFileSync(join(root, 'found'), 'utf8')
  expect(tmp.startsWith(home)).toBe(true)
  expect(existsSync(tmp)).toBe(false)
  expect(readdirSync(join(home, 'run/agents'))).toEqual([])
})

test('a supervisor that is killed while it starts an agent has noted it: the next takes it over', async () => {
  const { root, home, agents, end } = agentsOf('setTimeout(() => {}, 20_000)')
  killed.atSpawn = true
  expect(() => agents.start('default', false)).toThrow('kill -9')
  killed.atSpawn = false
  const [note] = notedAgents(home)
  expect(note).toMatchObject({ pool: 'default', pid: 0 })
  // the kill came a moment later: the agent is there, and its note is still the first one
  const env = { PATH: process.env['PATH'], RAIBID_AGENT: note!.name }
  const child = spawn(process.execPath, [join(root, 'agent/main.ts')], { detached: true, stdio: 'ignore', env })
  onTestFinished(() => void child.kill('SIGKILL'))
  await vi.waitFor(() => expect(readFileSync(`/proc/${child.pid}/environ`, 'utf8')).toContain(note!.name))
  expect(agents.adopt()).toBe(1)
  expect(notedAgents(home)).toMatchObject([{ name: note!.name, pid: child.pid }])
  child.kill('SIGKILL')
  expect(await end).toMatchObject({ name: note!.name })
  expect(readdirSync(join(home, 'run/tmp'))).toEqual([])
})

test('one that never came to be is forgotten, with its folder', async () => {
  const { home, agents, end } = agentsOf('')
  noteAgent(home, { name: 'local-x', pool: 'default', pid: 0, startTime: '' })
  mkdirSync(join(home, 'run/tmp/local-x'), { recursive: true })
  writeFileSync(join(home, 'run/tmp/local-x/left'), '')
  agents.adopt()
  expect(await end).toMatchObject({ name: 'local-x', clean: false })
  expect([notedAgents(home), readdirSync(join(home, 'run/tmp'))]).toEqual([[], []])
})
