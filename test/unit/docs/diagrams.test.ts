/** What the diagrams show is what the code renders. (That they are Mermaid is seen where they are shown: its parser is 200 MB of packages.) */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { giteaSecrets } from '#lib/cluster/gitea-secrets.ts'
import { folderObjects, syncObjects } from '#lib/cluster/gitops/sync.ts'
import { kedaObjects } from '#lib/cluster/gitops/keda-objects.ts'
import { podOf } from '#lib/cluster/requests.ts'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import { serveSecret } from '#lib/cluster/serve-secret.ts'
import { components } from '#lib/cluster/components/index.ts'
import { root } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { beatEvery, limits } from '#lib/queue/limits.ts'
import { jobStates } from '#lib/queue/types.ts'
import { rendered } from '#test/helpers/rendered.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const diagramsOf = (file: string): string[] => [...read(file).matchAll(/^```mermaid\n([^]*?)^```$/gm)].map(([, text]) => text!)
const [topology, , states, sequence, resources] = diagramsOf('docs/architecture.md') as [string, string, string, string, string]
const objects: any[] = await rendered('dev', 'pools: { default: { max: 2 } }')

describe.each(
  globSync(['docs/*.md', 'lib/**/README.md', 'README.md'], { cwd: root }).flatMap((file) =>
    diagramsOf(file).map((text, i) => [`${file}, ${i + 1}`, text] as const),
  ),
)('the diagram %s', (_, text) => {
  test('is of a known kind, and closes what it opens', () => {
    expect(text).toMatch(/^(?:flowchart (?:LR|TB)|sequenceDiagram|stateDiagram-v2)\n/)
    const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
    expect(count(/^ *end$/gm)).toBe(count(/^ *(?:subgraph|loop|par|alt|opt)\b/gm))
    expect(count(/"/g) % 2).toBe(0)
    for (const [open, close] of ['[]', '()', '{}'] as const) expect(text.split(open!).length).toBe(text.split(close!).length)
  })
})

test('the resources are those that are rendered, each in its namespace', () => {
  const random = (size: number) => Buffer.alloc(size)
  const secrets = [...redisSecrets({ random }), ...giteaSecrets({ random }), serveSecret({ random })]
  const { agentSecret, buildSecrets, namespace, flux, fluxStatusSecret, fluxReceiverSecret } = cluster
  const others = [
    ...[agentSecret, buildSecrets].map((name) => `${namespace} Secret ${name}`),
    `${cluster.infrastructure} Secret ${cluster.giteaConsoleSecret}`,
    ...[flux, fluxStatusSecret, fluxReceiverSecret].map((name) => `${flux} Secret ${name}`),
  ]
  const all = [...objects, ...secrets, ...kedaObjects(), ...folderObjects(), ...syncObjects()]
  const named = all
    .filter(({ kind }) => kind !== 'Namespace')
    .map(({ kind, metadata }) => `${metadata.namespace ?? 'cluster-wide'} ${kind} ${metadata.name}`)
  const drawn = [...resources.matchAll(/subgraph (\S+)\n([^]*?)\n {2}end/g)].flatMap(([, place, body]) =>
    [...body!.matchAll(/\["(\w+)<br\/>([^"]+)"\]/g)].flatMap(([, kind, names]) =>
      names!.split(', ').map((name) => `${place} ${kind} ${name}`),
    ),
  )
  expect(drawn.sort()).toEqual([...new Set([...named, ...others])].sort())
})

test('who talks to whom is what the policies let through', () => {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy')
  const inside = ['agent', 'serve', 'redis', 'postgres', 'gitea']
  const portsOf = (rules: any[] = []): number[] => rules.flatMap(({ ports = [] }) => ports.map(({ port }: any) => port))
  const policy = (name: string): any => policies.find(({ metadata }) => metadata.name === name)!.spec
  const edges = [...topology.matchAll(/^ {2}(\w+) -->\|"?([\d, ]+)"?\| (\w+)$/gm)].map(([, from, ports, to]) => ({
    ...{ from: from!, to: to! },
    ports: ports!.split(',').map(Number),
  }))
  expect(edges.length).toBeGreaterThan(12)
  for (const { from, to, ports } of edges)
    for (const port of ports) {
      if (inside.includes(from)) expect(portsOf(policy(from).egress), `${from} → ${to}: ${port}`).toContain(port)
      if (['serve', 'redis', 'postgres', 'gitea'].includes(to))
        expect(portsOf(policy(to).ingress), `${from} → ${to}: ${port}`).toContain(port)
    }
  // and the other way: each port that somebody is let in by is drawn, or is the node's
  const drawn = (name: string): number[] => edges.filter(({ to }) => to === name).flatMap(({ ports }) => ports)
  for (const name of ['serve', 'redis', 'postgres'])
    expect([...new Set(portsOf(policy(name).ingress))]).toEqual([...new Set(drawn(name))])
  for (const port of [cluster.giteaNodePort, cluster.giteaSshNodePort, cluster.serveNodePort])
    expect(topology).toContain(String(port))
  expect(objects.filter((one) => podOf(one)).length).toBe(inside.length)
})

test('the states are those of a job', () => {
  const drawn = new Set([...states.matchAll(/(\w+) -->|--> (\w+)/g)].flatMap(([, a, b]) => a ?? b!))
  expect([...drawn].sort()).toEqual([...jobStates].sort())
})

test('the lease and the beat are those of the queue', () => {
  expect(beatEvery).toBe(1000)
  expect(sequence).toContain(`lease of ${limits.lease / 1000} s`)
  expect(sequence).toContain(`no beat for ${limits.lease / 1000} s`)
})

test('bootstrap.md draws every component', () => {
  const drawn = diagramsOf('docs/bootstrap.md')[0]!
  expect(components.map(({ name }) => name).filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(drawn))).toEqual([])
})
