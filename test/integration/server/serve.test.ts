import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { files } from '#lib/contract.ts'
import { fakeApi, status } from '#test/helpers/fake-api.ts'
import { aSpec, roles } from '#test/helpers/queue.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis-server.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const home = mkdtempSync(join(tmpdir(), 'raibid-serve-'))
const ends: (() => Promise<unknown>)[] = []
let redis: TestRedis
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await redis.stop()
})

function serve(env: NodeJS.ProcessEnv, ...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'tasks/pool/serve.ts'), ...args], {
    env: { ...process.env, RAIBID_HOME: home, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode !== null) return child.exitCode
    child.kill(signal)
    return ((await once(child, 'exit')) as [number | null])[0]
  }
  ends.push(end)
  return {
    pid: child.pid!,
    said: () => said,
    end,
    says: (what: string) => waitFor(`"${what}"`, () => said.includes(what), 20_000),
  }
}

test('serve keeps the queue, waits for a Redis that is away, and ends cleanly; two at once are safe', async () => {
  redis = await startRedis()
  const { jobs, agent, reader } = roles(redis.client(), { lease: 4000 })
  const env = { RAIBID_REDIS_URL: redis.url, RAIBID_LEASE: '4000' }
  const [one, two] = [serve(env), serve(env)]
  await Promise.all([one.says('redis reached'), two.says('redis reached')])
  expect(one.said()).toMatch(
    /serve started pid=\d+ redis=redis:\/\/127\.0\.0\.1:\d+\n.*listens url=http:\/\/127\.0\.0\.1:\d+\n.*does: webhooks, API, pages, metrics; keeps the queue\n/,
  )
  await redis.kill()
  await one.says('redis away')
  await redis.start()
  const { id } = await jobs.enqueue(aSpec())
  await agent('lost').claim('token', 'default')
  await waitFor('the end of the lease', async () => (await reader.job(id))!.state === 'pending', 20_000)
  expect((await reader.job(id))!.tries).toBe(1)
  const noted = Number(readFileSync(join(home, files.servePid), 'utf8'))
  expect([one.pid, two.pid]).toContain(noted)
  const [first, last] = noted === one.pid ? [two, one] : [one, two]
  expect(await first.end()).toBe(0)
  expect(existsSync(join(home, files.servePid))).toBe(true)
  expect(await last.end()).toBe(0)
  expect(existsSync(join(home, files.servePid))).toBe(false)
})

test('an API server that is away, or says no, is waited for; the queue is kept meanwhile, and SIGTERM is heard', async () => {
  redis = await startRedis()
  const api = await fakeApi(({ path }) =>
    path === '/version' ? { body: {} } : status(403, 'Forbidden', 'User "u" cannot list resource "pods"'),
  )
  ends.push(() => api.stop())
  await api.stop()
  const one = serve({ RAIBID_REDIS_URL: redis.url }, '--kubeconfig', api.kubeconfig)
  await one.says('cluster waiting why="cannot reach Kubernetes at http://127.0.0.1:')
  await api.start()
  await one.says('cluster reached')
  await one.says('cluster trouble watch=Pod why="not allowed to list pods in ci on ')
  expect(await one.end()).toBe(0)
})

test('a cluster that isn’t configured is said at once', async () => {
  redis = await startRedis()
  const env = { RAIBID_HOME: home, RAIBID_REDIS_URL: redis.url, KUBECONFIG: '/nonexistent/config' }
  const { code, stderr } = await runTask('tasks/pool/serve.ts', ['--cluster'], { env })
  expect([code, stderr]).toEqual([2, expect.stringContaining('there is no kubeconfig /nonexistent/config')])
})

test('a GitLab among the forges: that it is a source of mirrors only is said', async () => {
  redis = await startRedis()
  writeFileSync(join(home, 'lab.yaml'), 'forges: [{ kind: gitlab, url: "https://lab.example" }]\n')
  const one = serve({ RAIBID_REDIS_URL: redis.url, RAIBID_CONFIG: join(home, 'lab.yaml') })
  await one.says('forge only a source of mirrors url=https://lab.example reason="no webhooks or commit statuses for GitLab"')
})
