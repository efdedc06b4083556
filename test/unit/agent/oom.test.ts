import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { oomKills } from '#agent/oom.ts'
import { runPlanned } from '#agent/run-planned.ts'
import type { Step } from '#lib/queue/types.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'

test('the count of the container’s cgroup, version 2 or 1; none is 0', () => {
  const { path, remove } = tmpFolder({
    v2: 'low 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n',
    v1: 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n',
    older: 'oom_kill_disable 0\n',
  })
  onTestFinished(remove)
  const [v2, v1, older, missing] = ['v2', 'v1', 'older', 'missing'].map((name) => join(path, name)) as [
    string,
    string,
    string,
    string,
  ]
  expect([oomKills([v2, v1]), oomKills([missing, v1]), oomKills([older]), oomKills([missing])]).toEqual([2, 5, 0, 0])
})

const where = () => ({
  ...{ cwd: tmpdir(), env: { PATH: process.env['PATH']! }, mark: 'oom-test' },
  ...{ signal: new AbortController().signal, onOutput: () => {} },
})
const aStep = (): Step => ({ name: 'build', state: 'running', exitCode: null, durationMs: null })

test.each([
  ['exit 101', 1, 'exit 101, out of memory'],
  ['kill -9 $$', 1, 'ended by SIGKILL, out of memory'],
  ['exit 101', 0, 'exit 101'],
])('a failed step (%s) during which the kernel killed %i: %s', async (run, more, reason) => {
  const step = aStep()
  let kills = 3
  await runPlanned({ name: 'build', run }, step, where(), () => (kills += more) - more)
  expect(step).toMatchObject({ state: 'failed', reason })
})

test('a step that got over it is a success', async () => {
  const step = aStep()
  let kills = 0
  await runPlanned({ name: 'build', run: 'true' }, step, where(), () => kills++)
  expect(step).toMatchObject({ state: 'success' })
})
