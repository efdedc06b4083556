import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { postgres } from '#lib/cluster/components/postgres.ts'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { giteaSecrets } from '#lib/cluster/gitea-secrets.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import type { Secret } from '#lib/cluster/secret.ts'
import type { KubeObject, Ref } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { configOf } from '#test/helpers/rendered.ts'

const read = (secrets: readonly Secret[], name: string, key: string): string =>
  Buffer.from(secrets.find(({ metadata }) => metadata.name === name)!.data[key]!, 'base64').toString()
const password = (secrets: readonly Secret[]) => read(secrets, cluster.giteaDatabaseSecret, 'password')
const first = giteaSecrets({ random: randomBytes })
const without = (name: string) => first.filter(({ metadata }) => metadata.name !== name)

test('what exists stays, and the database has one password', () => {
  expect(giteaSecrets({ existing: first, random: randomBytes })).toEqual(first)
  expect(read(first, cluster.giteaSecret, 'GITEA__database__PASSWD')).toBe(password(first))
})

test.each([cluster.giteaDatabaseSecret, cluster.giteaSecret])(
  'without %s the other one tells the password of the database',
  (name) => {
    const again = giteaSecrets({ existing: without(name), random: randomBytes })
    expect([password(again), read(again, cluster.giteaSecret, 'GITEA__database__PASSWD')]).toEqual([
      password(first),
      password(first),
    ])
  },
)

test('PostgreSQL, which comes before Gitea, makes its lost Secret of what Gitea’s has', async () => {
  const there = without(cluster.giteaDatabaseSecret)
  const applied: KubeObject[] = []
  const kube = {
    get: ({ kind, metadata }: Ref) =>
      Promise.resolve(there.find((one) => one.kind === kind && one.metadata.name === metadata.name) ?? null),
    apply: (one: KubeObject) => Promise.resolve(void applied.push(one)),
  } as unknown as Kube
  const config = await configOf('{}')
  const settings = { preset: 'minimal', existing: null, airgap: null, mirrors: {} } as const
  const ctx = { config, settings, signal: new AbortController().signal, say: () => {}, kube: () => Promise.resolve(kube) }
  await postgres.apply(ctx as unknown as ClusterContext)
  const secrets = applied.filter(({ kind }) => kind === 'Secret') as Secret[]
  expect(secrets.map(({ metadata }) => metadata.name)).toEqual([cluster.giteaDatabaseSecret])
  expect(password(secrets)).toBe(password(first))
})
