import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { renderPerformance } from '#test/bench/docs.ts'
import { benchNames, keptResults, type Result } from '#test/bench/result.ts'

const page = readFileSync(join(root, 'docs/performance.md'), 'utf8')

const aResult: Result = {
  bench: 'sample',
  summary: 'What it is',
  command: 'just bench sample',
  at: '2026-01-02T03:04:05Z',
  tookS: 1.5,
  machine: { cpu: 'Abacus', cores: 2, memoryGb: 8, kernel: '6.1', load: 0.1 },
  versions: { node: '24', redis: '7', git: '2', ioredis: '6', bullmq: '6', raibid: 'abc' },
  series: [{ name: 'cold', unit: 'ms', n: 30, min: 1, p50: 1234.5, p95: 3, max: 4 }],
  ratios: [{ of: 'cold', to: 'floor', n: 30, min: 1, p50: 1.5, p95: 2, max: 3 }],
  goals: [{ name: 'cold, p50', wanted: '≤ 180 ms', measured: '1,235 ms', reached: false }],
  notes: ['How.'],
}

describe('docs/performance.md', () => {
  test('is what the kept results make it (else: just bench --docs)', () => {
    expect(renderPerformance(page)).toBe(page)
  })

  test('has a result of every bench', () => expect(keptResults().map(({ bench }) => bench)).toEqual(benchNames()))

  test('takes its figures from results', () => {
    const empty = ['goals', 'machine', 'benches'].map((name) => `<!-- ${name} -->\n<!-- /${name} -->\n`).join('')
    const text = renderPerformance(empty, [aResult])
    expect(text).toContain('| cold, p50 | ≤ 180 ms | 1,235 ms | **no** | sample |')
    expect(text).toContain(
      '- Abacus, 2 cores, 8 GB, Linux 6.1; node 24, redis 7, git 2, ioredis 6, BullMQ 6, raibid-ci abc: sample (load 0.1)',
    )
    expect(text).toContain('| cold | ms | 30 | 1,235 | 3 | 4 |')
    expect(text).toContain('| cold ÷ floor | × | 30 | 1.5 | 2 | 3 |')
    expect(text).toContain('What it is. By `just bench sample`, 2026-01-02, in 1.5 s.\n\n- How.')
  })
})
