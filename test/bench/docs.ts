import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '#lib/config.ts'
import { splice } from '#lib/docs.ts'
import { markdown } from './report.ts'
import { keptResults, type Result } from './result.ts'

const path = join(root, 'docs/performance.md')

/** docs/performance.md with every figure in it taken from the results that are kept. */
export function renderPerformance(text = readFileSync(path, 'utf8'), results = keptResults()): string {
  return splice(text, { goals: goals(results), machine: machines(results), benches: results.map(markdown).join('\n\n') })
}

export const writePerformance = (): void => writeFileSync(path, renderPerformance())

function goals(results: Result[]): string {
  const rows = results.flatMap(({ bench, goals }) =>
    goals.map(
      ({ name, wanted, measured, reached }) => `| ${name} | ${wanted} | ${measured} | ${reached ? 'yes' : '**no**'} | ${bench} |`,
    ),
  )
  return ['| what | goal | measured | reached | bench |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}

/** One line for each machine and set of versions: usually one. */
function machines(results: Result[]): string {
  const lines = new Map<string, string[]>()
  for (const { bench, machine: m, versions: v } of results) {
    const line =
      `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, Linux ${m.kernel}; node ${v.node}, redis ${v.redis}, git ${v.git}, ` +
      `ioredis ${v.ioredis}, BullMQ ${v.bullmq}, raibid-ci ${v.raibid}`
    lines.set(line, [...(lines.get(line) ?? []), `${bench} (load ${m.load})`])
  }
  return [...lines].map(([line, benches]) => `- ${line}: ${benches.join(', ')}`).join('\n')
}
