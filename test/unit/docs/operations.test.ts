/** What docs/operations.md says of metrics, limits and messages is what the code has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { repairLimits } from '#lib/bootstrap/repair.ts'
import { components } from '#lib/cluster/components/index.ts'
import { root } from '#lib/config.ts'
import { limits } from '#lib/queue/limits.ts'
import { patience } from '#lib/server/cluster/failures.ts'
import { owedAtMost } from '#lib/server/cluster/truth.ts'
import { stuckAfter } from '#lib/server/cluster/pod-verdict.ts'
import { staleAfter } from '#lib/mirror/state.ts'
import { isPrinted, quotes, sources } from '#test/helpers/quoted.ts'
import { configOf, rendered } from '#test/helpers/rendered.ts'

const text = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const table = text.slice(text.indexOf('## What is watched'), text.indexOf('## Before a data store'))
const books = text
  .slice(text.indexOf('## Playbooks'), text.indexOf('## Backup'))
  .split(/^### /m)
  .slice(1)
  .map((section) => [section.split('\n')[0]!, section] as const)
const rowOf = (of: string): string => table.split('\n').find((line) => line.includes(of)) ?? ''

describe('what is watched', () => {
  test('is every metric that there is, and no other', () => {
    const named = new Set(table.match(/raibid_\w+/g))
    const made = new Set(sources.flatMap((source) => source.match(/(?<=')raibid_[a-z_]+(?=')/g) ?? []))
    expect([...named].sort()).toEqual([...made].sort())
  })

  const { failures, thrash } = repairLimits
  test.each([
    ['`needs-human`', `${failures} repairs failed`],
    ['`needs-human`', `${thrash.repairs} worked within ${thrash.withinMs / 60_000} min`],
    ['raibid_backstop_stalled_total', `${owedAtMost / 1000} s`],
    ['raibid_podwatch_paused_total', `${patience} agents in a row`],
    ['`just dead`', `${limits.tries} agents`],
    ['raibid_agents_lost_total', `ends after ${limits.lease / 1000} s`],
    ['raibid_agents_lost_total', `waits of ${limits.backoff / 1000} s, doubled up to ${limits.backoffMax / 60_000} min`],
    ['raibid_podwatch_ended_total', `${stuckAfter / 1000} s`],
    ['raibid_statuses_total', `${limits.keep / 86_400_000} days`],
    ['raibid_mirror_lag_seconds', `${staleAfter / 3_600_000} h`],
    ['memory of Redis', `below ${limits.logAll / 2 ** 20} MiB, one below ${limits.logJob / 2 ** 20} MiB`],
  ])('%s: %s', (row, number) => expect(rowOf(row)).toContain(number))

  test('a local pool’s caches and disk', async () => {
    const { cache } = await configOf('{}')
    expect(rowOf('disk of a local pool')).toContain(
      `after ${cache.maxAge / 86_400_000} days unused, or above ${cache.maxSize / 2 ** 30} GiB`,
    )
    const doctor = sources.find((source) => source.includes('GiB free in ${home}'))!
    const [, warns, fails] = /gib >= ([\d.]+)\)[^]*gib < ([\d.]+) \?/.exec(doctor)!
    expect(rowOf('disk of a local pool')).toContain(`below ${warns} GiB (warns), ${fails} GiB (fails)`)
  })

  test.each([
    ['spark', '2gb', 'at 2 GB', '4608Mi'],
    ['dev', '768mb', '768 MB', '1792Mi'],
  ] as const)('Redis in %s holds %s', async (overlay, most, said, limit) => {
    const objects: any[] = await rendered(overlay, '{}')
    const redis = objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'redis')
    const [container] = redis.spec.template.spec.containers
    expect(container.args).toEqual(['--maxmemory', most])
    expect(container.resources.limits.memory).toBe(limit)
    expect(rowOf('memory of Redis')).toContain(said)
    expect(objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'redis').data['redis.conf']).toContain(
      'appendfsync always',
    )
  })
})

describe('playbooks', () => {
  test('there are some', () => expect(books.length).toBeGreaterThan(12))

  test.each(books)('%s: how it is seen, how long it takes, what is lost', (_, section) => {
    expect(section).toMatch(/Recovery time/i)
    expect(section).toMatch(/Data loss/)
    const isTable = /^\| /m.test(section) || section.includes('Not tried')
    if (!isTable) expect(section).toContain('**Seen**')
  })

  const seen = books.flatMap(([name, section]) =>
    [...section.matchAll(/\*\*Seen\*\*[^]*?(?=\n- \*\*|\n\n)/g)]
      .flatMap(([item]) => quotes(item.replaceAll(/\n +/g, ' ')))
      // names of commands, metrics, components and places are held elsewhere
      .filter((one) => !/^(?:just |raibid_|\/|e2e\/|platform\/)/.test(one) && !components.some(({ name }) => name === one))
      .map((one) => [name, one] as const),
  )
  test.each(seen.filter(([, one]) => one.length >= 10))('%s: "%s" is printed', (_, one) => {
    const workload = /^(?:StatefulSet|Deployment) (?:redis|postgres|gitea|serve) has 0 of 1 pods ready$/.test(one)
    const synced = /^(?:GitRepository flux-system|Kustomization (?:agents|infrastructure)) (is .*)$/.exec(one)?.[1]
    const volume = /^volume data-redis-0 is Pending$/.test(one)
    const text = workload ? '… of … pods ready' : synced ? `… ${synced}` : volume ? 'volume … is …' : one
    expect(isPrinted(text), text).toBe(true)
  })
})

test('what is asked for is found by the helper only where it is printed', () => {
  expect(isPrinted('a person has to mend this machine first')).toBe(true)
  expect(isPrinted('a person has to paint this machine first')).toBe(false)
  expect(isPrinted('…')).toBe(false)
})
