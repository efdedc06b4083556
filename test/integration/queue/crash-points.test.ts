import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { endMarked } from '#lib/processes.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isFinal, type Job } from '#lib/queue/types.ts'
import { callProxy, type Cut } from '#test/helpers/call-proxy.ts'
import { aSpec, roles, threeViews } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

// one beat, three steps, output in between: every kind of call is made
const repo = stepsRepo('for i in 1 2 3; do echo line $i; sleep 0.1; done', 'sleep 0.9; echo middle', 'echo end')
const home = mkdtempSync(join(tmpdir(), 'raibid-crash-'))
const short = stepsRepo('echo short')
let count = 0

function startAgent(port: number): { name: string; child: ChildProcess } {
  const name = `agent-${++count}`
  const env = {
    ...process.env,
    RAIBID_HOME: home,
    RAIBID_REDIS_URL: `redis://127.0.0.1:${port}`,
    RAIBID_AGENT: name,
    RAIBID_AGENT_IDLE: '5',
    // the second job comes with the report of the first
    RAIBID_AGENT_MAX_JOBS: '2',
  }
  return { name, child: spawn(process.execPath, [join(root, 'agent/main.ts')], { env, stdio: 'ignore', detached: true }) }
}

/** Runs two jobs with an agent whose connection goes wrong at one call; a second agent helps when the first is dead. False: it had ended before. */
async function runWith(server: TestRedis, cut: Omit<Cut, 'then'>, kill: boolean): Promise<boolean> {
  const redis = server.client()
  const { jobs, keeper, reader } = roles(redis)
  const build = aSpec({ repo: repo.path, commit: repo.commit, env: { RUN: String(count) } })
  const { id } = await jobs.enqueue(build)
  const second = await jobs.enqueue({ ...build, repo: short.path, commit: short.commit })
  const ended = async (): Promise<boolean> => (await reader.jobsOf([id, second.id])).every((job) => isFinal(job.state))
  let struck = false
  const first: { agent?: ReturnType<typeof startAgent> } = {}
  const proxy = await callProxy(server.port, {
    ...cut,
    then() {
      struck = true
      if (kill) process.kill(first.agent!.child.pid!, 'SIGKILL')
    },
  })
  first.agent = startAgent(proxy.port)
  const gone = once(first.agent.child, 'exit')
  if (kill) {
    await gone
    // what the supervisor does when it sees an agent end
    await endMarked('RAIBID_MARK', first.agent.name, { graceMs: 0 })
    const became = await keeper.release(first.agent.name, 'killed', 'test')
    expect(['none', 'pending', 'success']).toContain(became)
    if (!(await ended())) {
      const helper = startAgent(server.port)
      await once(helper.child, 'exit')
      await keeper.release(helper.name, 'left', 'test')
    }
  } else await gone
  await waitFor('the jobs to end', ended)
  const [job, other] = (await reader.jobsOf([id, second.id])) as [Job, Job]
  expect(other).toMatchObject({ state: 'success', reason: '' })
  expect(job.attempt + other.attempt).toBeLessThanOrEqual(kill ? 3 : 2)
  expect(job).toMatchObject({ state: 'success', reason: '' })
  expect(job.attempt).toBeLessThanOrEqual(kill ? 2 : 1)
  expect(job.steps.map((step) => step.state)).toEqual(['success', 'success', 'success'])
  let text = ''
  for await (const entry of followLog(redis, id))
    if (entry.kind === 'out' && entry.attempt === job.attempt && entry.step > 0) text += entry.text
  expect(text).toBe('line 1\nline 2\nline 3\nmiddle\nend\n')
  const ends = (await redis.xrange('ci-events', '-', '+')).filter(
    ([, fields]) => [id, second.id].includes(fields[1]!) && isFinal(fields[3] as 'success'),
  )
  expect(ends.map(([, fields]) => fields[1]).toSorted()).toEqual([id, second.id].toSorted())
  expect(await threeViews(redis)).toEqual({ line: [], delayed: [], stream: [], group: [] })
  expect(await redis.hlen('ci-agents')).toBe(0)
  await proxy.close()
  return struck
}

// side by side, each on a Redis of its own: most of the time is waiting
test.concurrent.each([
  ['the agent is killed between two calls', 'before', true],
  ['the agent is killed after the call, before its answer', 'reply', true],
  ['the connection is cut before the call arrives', 'before', false],
  ['the answer is lost', 'reply', false],
] as const)('%s, at each call in turn: one result, the whole log, nothing left', { timeout: 480_000 }, async (_, mode, kill) => {
  const server = await startRedis()
  try {
    let call = 1
    while (await runWith(server, { call, mode }, kill)) call++
    // connection, claim, log, beat, finish at the least
    expect(call).toBeGreaterThan(8)
  } finally {
    await server.stop()
  }
})
