import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Result } from '#test/bench/result.ts'
import { runTask } from '#test/helpers/run-process.ts'

test('bench start measures, prints one document and writes the same to a file', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'bench-')), 'start.json')
  const { code, stdout, stderr } = await runTask('tasks/check/bench.ts', ['start', '--n', '2', '--json', '--out', out])
  expect(stderr).not.toContain('✗')
  expect(code).toBe(0)
  const [result, ...more] = JSON.parse(stdout) as Result[]
  expect(more).toEqual([])
  expect(result).toMatchObject({ bench: 'start', command: `just bench start --n 2 --json --out start.json` })
  expect(result!.machine.cores).toBeGreaterThan(0)
  expect(result!.versions.node).toBe(process.versions.node)
  const bare = result!.series.find(({ name }) => name === 'node -e 0')!
  expect(bare.n).toBe(2)
  expect(bare.p50).toBeGreaterThan(5)
  expect(result!.series.find(({ name }) => name === 'enqueue, a real one: loads')!.p50).toBeGreaterThan(10)
  expect(result!.ratios.find(({ of }) => of === 'enqueue, a real one')!.p50).toBeGreaterThan(1)
  expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual([result])
}, 120_000)

test('a bench that there is not is wrong usage, and the known ones are named', async () => {
  const { code, stderr } = await runTask('tasks/check/bench.ts', ['speed'])
  expect(code).toBe(2)
  expect(stderr).toContain('there is no bench speed; known: latency, profile, queue, log, build, start, burst, idle, growth')
})
