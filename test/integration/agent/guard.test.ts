import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startGuard } from '#agent/guard.ts'
import { endMarked, findMarked, startTimeOf } from '#lib/processes.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

function attempt(): { mark: string; workspace: string; outside: string } {
  const [inside, outside] = [tmpFolder({ 'ws/a/b': 'x' }), tmpFolder({ keep: 'x' })]
  const mark = randomUUID()
  onTestFinished(async () => {
    await endMarked('RAIBID_MARK', mark, { graceMs: 0 })
    inside.remove()
    outside.remove()
  })
  return { mark, workspace: join(inside.path, 'ws'), outside: outside.path }
}

const pidIn = (file: string): number | null => (existsSync(file) ? Number(readFileSync(file, 'utf8')) || null : null)

test('the owner is killed: everything marked ends, the workspace goes, nothing else', async () => {
  const { mark, workspace, outside } = attempt()
  const owner = `
    import { startGuard } from '#agent/guard.ts'
    import { spawn } from 'node:child_process'
    startGuard({ mark: process.env.THE_MARK, workspace: process.env.WORKSPACE })
    const script = 'trap "" TERM; chmod 500 a; ln -s $OUTSIDE link; (setsid sleep 1000 &); (cd /; env -i sleep 1001 & echo $! > $OLDPWD/bare); (env -i setsid sleep 1002 & echo $! > lost); echo 1 > ready; while :; do sleep 0.1; done'
    const env = { PATH: process.env.PATH, OUTSIDE: process.env.OUTSIDE, RAIBID_MARK: process.env.THE_MARK }
    spawn('bash', ['-c', script], { detached: true, env, cwd: process.env.WORKSPACE, stdio: 'ignore' })
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', owner], {
    env: { PATH: process.env['PATH']!, THE_MARK: mark, WORKSPACE: workspace, OUTSIDE: outside },
    stdio: 'ignore',
  })
  await waitFor('the step', () => pidIn(join(workspace, 'ready')))
  const hidden = ['bare', 'lost'].map((name) => pidIn(join(workspace, name))!)
  await waitFor('all of it', () => findMarked('RAIBID_MARK', mark).length >= 2)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await waitFor(
    'the end of all',
    () => findMarked('RAIBID_MARK', mark).length === 0 && hidden.every((pid) => startTimeOf(pid) === null),
    5000,
  )
  await waitFor('the workspace to go', () => !existsSync(workspace), 5000)
  expect(readFileSync(join(outside, 'keep'), 'utf8')).toBe('x')
  await waitFor('the guard to leave', () => findMarked('RAIBID_GUARD_MARK', mark).length === 0)
})

test('released: it leaves and touches nothing', async () => {
  const { mark, workspace } = attempt()
  const step = spawn('sleep', ['1000'], { env: { RAIBID_MARK: mark }, stdio: 'ignore' })
  await once(step, 'spawn')
  const guard = startGuard({ mark, workspace })
  expect(findMarked('RAIBID_GUARD_MARK', mark)).toHaveLength(1)
  await guard.release()
  expect(findMarked('RAIBID_GUARD_MARK', mark)).toEqual([])
  expect(startTimeOf(step.pid!)).not.toBeNull()
  expect(existsSync(workspace)).toBe(true)
  await guard.release()
})

test('a guard outlives the signals of a terminal', async () => {
  const { mark, workspace } = attempt()
  const guard = startGuard({ mark, workspace })
  const [pid] = findMarked('RAIBID_GUARD_MARK', mark)
  // Its traps are set by the time it reads.
  await waitFor('the guard to read', () =>
    /^SigIgn:\s*0*4[0-9a-f]{3}$|^SigIgn:.*[1-9a-f]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
  )
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(pid!, signal)
  expect(startTimeOf(pid!)).not.toBeNull()
  await guard.release()
})

test.for([
  { mark: 'm', workspace: '' },
  { mark: 'm', workspace: '/' },
  { mark: 'm', workspace: 'relative' },
  { mark: '', workspace: '/tmp/x' },
])('%j is refused', (options) => {
  expect(() => startGuard(options)).toThrow('A guard needs')
})
