import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '#lib/doctor-finding.ts'
import { needs } from '#test/helpers/needs.ts'
import { runTask } from '#test/helpers/run-process.ts'

const doctor = (env: NodeJS.ProcessEnv = {}, ...args: string[]) =>
  runTask('tasks/check/doctor.ts', args, {
    env: { RAIBID_HOME: mkdtempSync(join(tmpdir(), 'doctor-')), RAIBID_REDIS_URL: '', ...env },
  })

describe('just doctor', () => {
  needs('redis-server', 'git').test('finds nothing missing where the tests run', async () => {
    const { code, stdout, stderr } = await doctor()
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^✓ node {11}2\d\./m)
    expect(stdout).toMatch(/^! pool .*\n +→ just up$/m)
    expect(code).toBe(0)
  })

  test('a Redis that does not answer is a failure, within seconds, without its password', async () => {
    const started = Date.now()
    const { code, stdout } = await doctor({ RAIBID_REDIS_URL: 'redis://:hush@127.0.0.1:1' }, '--json')
    const redis = (JSON.parse(stdout) as Finding[]).find(({ name }) => name === 'Redis')
    expect(redis).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('redis://:***@127.0.0.1:1: connect ECONNREFUSED') as string,
    })
    expect(stdout).not.toContain('hush')
    expect(code).toBe(1)
    expect(Date.now() - started).toBeLessThan(10_000)
  })

  test('missing tools are named with the way to mend them', async () => {
    const { code, stdout } = await doctor({ PATH: '/nowhere' })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^✗ git {12}not installed\n +→ just setup$/m)
    expect(stdout).toMatch(/^! cargo {10}not installed \(for Rust projects\)$/m)
  })

  test('a mistake in the configuration is exit 2, by name', async () => {
    const { code, stderr } = await doctor({ RAIBID_AGENT_MAX_JOBS: 'x' })
    expect([code, stderr]).toEqual([2, '✗ RAIBID_AGENT_MAX_JOBS: "x" is not a whole number ≥ 1\n'])
  })
})
