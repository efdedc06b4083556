import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { runJob } from '#agent/run-job.ts'
import { loadConfig } from '#lib/config.ts'
import { parseJob } from '#lib/queue/parse.ts'
import type { Worker } from '#lib/queue/worker.ts'

const beats: string[] = []
const aJob = (id: string) =>
  parseJob(id, {
    repo: join(tmpdir(), 'there-is-none'),
    state: 'running',
    attempt: '1',
    spec: JSON.stringify({ branch: 'main' }),
  })!

// a workspace so large that its removal outlasts the lease of the next job
vi.mock('#lib/remove-folder.ts', () => ({
  removeFolder: () => vi.waitFor(() => expect(beats).toContain('next'), { timeout: 4000 }),
}))

test('the job that a report brings is kept alive while the workspace of the last one is removed', async () => {
  const home = mkdtempSync(join(tmpdir(), 'raibid-run-'))
  const config = await loadConfig({ env: { RAIBID_HOME: home, RAIBID_REDIS_URL: 'redis://127.0.0.1:1' } })
  const claimed = { kind: 'job', job: aJob('next') } as const
  const worker = {
    beat: (id: string) => (beats.push(id), Promise.resolve('ok')),
    log: () => Promise.resolve('ok'),
    onCancel: () => Promise.resolve(),
    finishAndClaim: () => Promise.resolve({ state: 'failed', claimed }),
  } as unknown as Worker
  const bell = { removeAllListeners: () => {}, unsubscribe: () => Promise.resolve() } as unknown as Redis
  const drain = new AbortController().signal
  const all = { token: 't', next: 'n', agent: 'a', worker, bell: () => bell, config, bornAt: 0, drain }
  expect(await runJob({ ...all, job: aJob('first') })).toEqual({ ended: 'failed', claimed })
  expect(beats).toContain('next')
})
