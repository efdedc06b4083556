import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { receiverPath } from '#lib/cluster/gitops/access.ts'
import { fleetFiles, poolFile } from '#lib/cluster/gitops/fleet.ts'
import { installObjects } from '#lib/cluster/gitops/install.ts'
import { changedFile } from '#lib/cluster/gitops/pool-commit.ts'
import { isEmpty, mergePlan, readRecord, recordFile, recordOf } from '#lib/cluster/gitops/merge.ts'
import { syncLack } from '#lib/cluster/gitops/state.ts'
import { folderObjects, syncObjects } from '#lib/cluster/gitops/sync.ts'
import { hookPlan } from '#lib/cluster/hook-wish.ts'
import { cluster } from '#lib/contract.ts'
import { configOf } from '#test/helpers/rendered.ts'

const record = (files: Record<string, string>) => ({ [recordFile]: `${JSON.stringify(recordOf(files), null, 2)}\n` })

describe('what is written into the config repository', () => {
  const ours = { a: '1', b: '1' }
  const last = recordOf(ours)
  test.each([
    ['nothing is there: all of it', ours, {}, {}, { write: { ...ours, ...record(ours) } }],
    ['as it was: nothing', ours, last, { ...ours, ...record(ours) }, {}],
    ['a person changed one: it stays', ours, last, { a: 'x', b: '1', ...record(ours) }, { kept: ['a'] }],
    ['a person removed one: it stays away', ours, last, { b: '1', ...record(ours) }, { kept: ['a'] }],
    [
      'we ask for something else: it is written',
      { a: '2', b: '1' },
      last,
      { ...ours, ...record(ours) },
      { write: { a: '2', ...record({ a: '2', b: '1' }) } },
    ],
    [
      'both changed it: ours is the newer wish, and it is told',
      { a: '2', b: '1' },
      last,
      { a: 'x', b: '1', ...record(ours) },
      { write: { a: '2', ...record({ a: '2', b: '1' }) }, over: ['a'] },
    ],
    [
      'we no longer ask for it: it goes',
      { a: '1' },
      last,
      { ...ours, ...record(ours) },
      { write: record({ a: '1' }), remove: ['b'] },
    ],
    [
      'we no longer ask for what a person changed: it stays',
      { a: '1' },
      last,
      { a: '1', b: 'x', ...record(ours) },
      { write: record({ a: '1' }), kept: ['b'] },
    ],
    ['a file of somebody else is nobody’s business', ours, last, { ...ours, c: '3', ...record(ours) }, {}],
  ])('%s', (_, rendered, known, there, expected) => {
    const merge = mergePlan(rendered, known, there as Record<string, string>)
    expect(merge).toEqual({ write: {}, remove: [], kept: [], over: [], ...expected })
    const after = { ...(there as Record<string, string>), ...merge.write }
    for (const path of merge.remove) delete after[path]
    expect(isEmpty(mergePlan(rendered, readRecord(after[recordFile]), after))).toBe(true)
  })

  test.each(['', 'null', '[1]', '{"a":1}', '{'])('a damaged record (%s) is none', (text) => {
    expect(Object.values(readRecord(text)).every((one) => typeof one === 'string')).toBe(true)
  })
})

describe('the config repository', async () => {
  const config = await configOf('pools: { default: { max: 2 }, gpu-2: { max: 1 } }')
  const files = fleetFiles(config, { preset: 'minimal' })
  const objects = Object.entries(files).flatMap(([path, text]) => (path.endsWith('.yaml') ? [[path, parse(text)] as const] : []))

  test('no Secret is in it, and every file but the text for people is one object', () => {
    expect(objects.length).toBe(Object.keys(files).length - 1)
    for (const [path, one] of objects) {
      expect(path).toMatch(/^(clusters\/main|infrastructure|keda|agents)\/[a-z0-9-]+\.yaml$/)
      expect(one.kind).not.toBe('Secret')
    }
    for (const pool of ['gpu-2', 'default']) expect(files[poolFile(pool)]).toContain('kind: ScaledJob')
  })

  test('Gitea and the data stores are in a folder that is never pruned, and that nothing waits for', () => {
    const folder = (name: string) => folderObjects().find(({ metadata }) => metadata.name === name)!['spec'] as any
    expect(folder('infrastructure')).toMatchObject({ prune: false, wait: false, deletionPolicy: 'Orphan' })
    for (const one of [...folderObjects(), ...syncObjects()])
      expect((one['spec'] as any).dependsOn ?? []).not.toContainEqual({ name: 'infrastructure' })
    const stores = objects
      .filter(([, { kind }]) => /StatefulSet|PersistentVolumeClaim|Namespace/.test(kind))
      .map(([path]) => path)
    expect(stores.filter((path) => !path.startsWith('infrastructure/'))).toEqual(['keda/namespace-keda.yaml'])
  })

  test('what is of KEDA’s kinds waits for KEDA; of KEDA only the operator is wanted', () => {
    const agents = folderObjects().find(({ metadata }) => metadata.name === 'agents')!['spec'] as any
    expect(agents.dependsOn).toEqual([{ name: 'keda' }])
    expect(
      objects.filter(([, { apiVersion }]) => apiVersion === 'keda.sh/v1alpha1').every(([path]) => path.startsWith('agents/')),
    ).toBe(true)
    const release = objects.find(([, { kind }]) => kind === 'HelmRelease')![1]
    expect(release.spec.values).toMatchObject({ metricsServer: { enabled: false }, webhooks: { enabled: false } })
  })

  test('serve reports to the cluster’s Gitea, and builds nothing of the config repository', () => {
    const text = parse(files['agents/configmap-ci-raibid-config.yaml']!).data['raibid.yaml']
    const { forges, repositories } = parse(text)
    expect(forges).toContainEqual({ kind: 'gitea', url: `http://${cluster.giteaAddress}`, aliases: [] })
    expect(repositories[0]).toMatchObject({ match: 'platform/fleet', enabled: false })
  })
})

test('no version that Flux has removed is asked for', () => {
  const versions = new Set([...folderObjects(), ...syncObjects()].map(({ apiVersion, kind }) => `${apiVersion} ${kind}`))
  expect([...versions].toSorted()).toEqual([
    'kustomize.toolkit.fluxcd.io/v1 Kustomization',
    'notification.toolkit.fluxcd.io/v1 Receiver',
    'notification.toolkit.fluxcd.io/v1beta3 Alert',
    'notification.toolkit.fluxcd.io/v1beta3 Provider',
    'source.toolkit.fluxcd.io/v1 GitRepository',
  ])
})

test('the Receiver listens where its controller says: the digest of token, name and namespace', () => {
  const digest = createHash('sha256').update('secretgiteaflux-system').digest('hex')
  expect(receiverPath('secret')).toBe(`/hook/${digest}`)
})

test('an install.yaml: our controllers, definitions first; a part of one is refused', () => {
  const one = (kind: string, name: string, component = name) =>
    `apiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name}, labels: { app.kubernetes.io/component: ${component} } }\n`
  const names = ['source-controller', 'kustomize-controller', 'helm-controller', 'notification-controller']
  const all = [...names, 'image-reflector-controller', 'source-watcher'].map((name) => one('Deployment', name))
  const text = [
    ...all,
    one('CustomResourceDefinition', 'gitrepositories', 'source-controller'),
    one('Namespace', 'flux-system', 'flux'),
  ].join('---\n')
  expect(installObjects(text).map(({ metadata }) => metadata.name)).toEqual(['flux-system', 'gitrepositories', ...names])
  expect(() => installObjects(all.slice(1).join('---\n'))).toThrow('has no Deployment source-controller')
})

const looking = {
  observedGeneration: 2,
  conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Progressing', message: 'in progress' }],
}
test.each([
  [null, 'does not exist'],
  [{ spec: { suspend: true } }, 'is suspended'],
  [{ status: {} }, 'has not been looked at'],
  [{ status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] } }, 'has not been looked at'],
  [
    { status: { observedGeneration: 2, conditions: [{ type: 'Ready', status: 'False', reason: 'X', message: 'm' }] } },
    'is not ready: X: m',
  ],
  [{ status: { observedGeneration: 2, conditions: [{ type: 'Ready', status: 'True' }] } }, null],
  // looking again is no fault of what it has applied; the first time nothing is there yet
  [{ status: { ...looking, lastAppliedRevision: 'main@sha1:1' } }, null],
  [{ status: { ...looking, artifact: { revision: 'main@sha1:1' } } }, null],
  [{ status: looking }, 'is not ready: Progressing'],
  [{ status: { ...looking, observedGeneration: 1, lastAppliedRevision: 'main@sha1:1' } }, 'has not been looked at'],
])('what Flux says: %j', (own, text) => {
  const object = own && { apiVersion: 'v1', kind: 'K', metadata: { generation: 2 }, ...own }
  const said = syncLack('K x', object)
  if (text === null) expect(said).toBeNull()
  else expect(said).toContain(text)
})

test.each([
  [[], true, 'create'],
  [[{ id: 1, url: 'u', events: ['push'], active: true }], true, undefined],
  [[{ id: 1, url: 'u', events: ['push'], active: true }], false, 'update'],
  [[{ id: 1, url: 'u', events: ['push'], active: false }], true, 'update'],
  [[{ id: 1, url: 'u', events: ['create'], active: true }], true, 'update'],
  [
    [
      { id: 1, url: 'u', events: ['push'], active: true },
      { id: 2, url: 'u', events: ['push'], active: true },
    ],
    true,
    'keep',
  ],
])('webhooks %j, told %s: %s', (hooks, isTold, what) => {
  expect(hookPlan(hooks, { url: 'u', events: ['push'] }, isTold)?.do).toBe(what)
})

describe('a pool’s file', () => {
  const text = '# mine\nkind: ScaledJob\nmetadata:\n  name: x\nspec:\n  maxReplicaCount: 2 # two\n'
  test.each([
    [{ do: 'scale', max: 2 }, text],
    [{ do: 'scale', max: 5 }, text.replace('2 #', '5 #')],
    [{ do: 'resume' }, text],
  ] as const)('%j', (change, expected) => expect(changedFile(text, change)).toBe(expected))

  test('paused, and resumed', () => {
    const paused = changedFile(text, { do: 'pause', because: 'disk: full' })
    expect(parse(paused).metadata.annotations).toEqual({ [cluster.kedaPaused]: 'true', [cluster.pausedAnnotation]: 'disk: full' })
    const resumed = parse(changedFile(paused, { do: 'resume' }))
    expect(resumed.metadata.annotations ?? {}).toEqual({})
    expect(() => changedFile('a: [', { do: 'resume' })).toThrow('is no YAML')
  })
})
