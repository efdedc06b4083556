import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listEntries } from '#lib/cache/store.ts'
import { files } from '#lib/contract.ts'
import { notedAgents } from '#lib/pool/state.ts'
import { producer } from '#lib/queue/producer.ts'
import type { CacheUse } from '#lib/queue/types.ts'
import { ulid } from '#lib/ulid.ts'
import { testPool, type TestPool } from '#test/helpers/pool.ts'
import { createRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

let pool: TestPool
beforeAll(async () => {
  pool = await testPool({ RAIBID_BACKOFF: '200' })
  await pool.up('--max', '4')
})
afterAll(() => pool.close())

/** Checks every byte of what was restored, then changes it in place as a build does, and notes its new sums at the very end. */
const build = `
if test -e out/sums; then
  (cd out && sha256sum --quiet -c sums && test "$(ls | wc -l)" = "$(cat count)") && { cmp -s lock out/lock || echo other; } && echo intact
else mkdir out; echo cold; fi
rm -f out/sums
for i in $(seq 60); do head -c 20000 /dev/urandom > out/file$i; done
cp lock out/lock; echo 63 > out/count
sleep 0.$((RANDOM % 4))
(cd out && sha256sum file* lock count > ../sums && mv ../sums sums)`

test(
  'ten jobs at a time on one cache, their agents killed at random: no corrupt cache, no wrong hit',
  { timeout: 180_000 },
  async () => {
    const config = { cache: [{ key: ['lock'], paths: ['out'] }], steps: [{ name: 'build', run: build }] }
    const repo = createRepo({ files: { '.raibid.yaml': JSON.stringify(config), lock: 'one\n' } })
    const counts = { hit: 0, near: 0, miss: 0, refused: 0, shared: 0, kills: 0, intact: 0, cold: 0 }
    for (const lock of ['one\n', 'two\n']) {
      if (lock !== 'one\n') repo.commitFiles({ lock })
      const spec = { repo: repo.path, branch: 'main', commit: repo.git('rev-parse', 'HEAD'), pipeline: 'auto', pool: 'default' }
      const more = { timeoutMs: 0, env: {}, secrets: [] }
      const jobs = producer(pool.client())
      const queued = Array.from({ length: 10 }, () => jobs.enqueue({ ...spec, ...more }, { key: ulid() }))
      const ids = (await Promise.all(queued)).map(({ id }) => id)
      let over = false
      const killing = (async () => {
        for (let kills = 0; kills < 12 && !over; kills++) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
          const jobs = await Promise.all(ids.map((id) => pool.job(id)))
          // two lost agents are borne by a job, the third ends it
          const spared = new Set(jobs.filter(({ state, tries }) => state === 'running' && tries >= 2).map(({ agent }) => agent))
          const agents = notedAgents(pool.home).filter(({ name, pid, spare }) => pid && !spare && !spared.has(name))
          const victim = agents[Math.floor(Math.random() * agents.length)]
          if (!victim) continue
          try {
            process.kill(victim.pid, 'SIGKILL')
            counts.kills++
          } catch {
            // it has just left
          }
        }
      })()
      for (const id of ids) {
        const job = await pool.ended(id, 120_000)
        const log = await pool.log(id, job.attempt)
        expect([job.state, job.reason, log]).toEqual(['success', '', expect.stringMatching(/^(intact|cold)$/m)])
        const [use] = job.phases.flatMap(({ cache = [] }) => cache) as CacheUse[]
        counts[use!.outcome]++
        counts[/^intact$/m.test(log) ? 'intact' : 'cold']++
        // what was another state of the lock file never counts as a hit
        if (use!.outcome === 'hit') expect(log).not.toMatch(/^other$/m)
      }
      over = true
      await killing
    }
    await waitFor(
      'the agents to be gone',
      () => !existsSync(join(pool.home, files.work)) || readdirSync(join(pool.home, files.work)).length === 0,
    )

    const root = join(pool.home, files.buildCache)
    const { entries, damaged } = await listEntries(root)
    expect(damaged).toEqual([])
    for (const { folder } of entries)
      for (const tree of readdirSync(folder).filter((name) => !name.startsWith('meta')))
        execFileSync('sha256sum', ['--quiet', '-c', 'sums'], { cwd: join(folder, tree, '0') })
    expect([counts.hit + counts.near + counts.miss, counts.kills > 0, counts.hit > 0, entries.length]).toEqual([
      20,
      true,
      true,
      2,
    ])
  },
)
