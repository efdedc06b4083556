import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { files } from '#lib/contract.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool()
})
afterAll(() => pool.close())

const path = (name: string): string => join(pool.home, name)
const pid = (): number => Number(readFileSync(path(files.servePid), 'utf8'))
const answers = (): Promise<boolean> =>
  fetch(`${readFileSync(path(files.serveUrl), 'utf8').trim()}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )

test('up starts the control plane and says where it is; killed, it comes back; down ends it; a killed supervisor leaves none behind', async () => {
  const { code, stderr } = await pool.task('pool/up')
  expect([code, stderr]).toEqual([0, expect.stringMatching(/pages, API and webhooks: http:\/\/127\.0\.0\.1:\d+/)])
  await waitFor('it to answer', answers, 20_000)
  expect(readFileSync(path(files.webhookSecret), 'utf8').trim().length).toBe(64)
  const first = pid()
  process.kill(first, 'SIGKILL')
  await waitFor('another one', async () => pid() !== first && (await answers()), 20_000)
  const second = pid()
  process.kill(pool.supervisor()!, 'SIGKILL')
  await waitFor(
    'it to end with its supervisor',
    () => !existsSync(`/proc/${second}`) || readFileSync(`/proc/${second}/stat`, 'latin1').includes(') Z'),
    20_000,
  )
  expect((await pool.task('pool/up')).code).toBe(0)
  await waitFor('a new one', async () => existsSync(path(files.servePid)) && pid() !== second && (await answers()), 20_000)
  const third = pid()
  await pool.must('pool/down')
  await waitFor('its end', () => !existsSync(`/proc/${third}`), 20_000)
  expect(existsSync(path(files.serveUrl))).toBe(false)
})
