import { expect, test } from 'vitest'
import { renewToken, spareTokens } from '#lib/cluster/gitea-token.ts'
import type { Kube } from '#lib/cluster/kube.ts'

const wish = { user: 'raibid', title: 'serve', scopes: [], namespace: 'ci', secret: 'serve', key: 'token' }
const signal = new AbortController().signal
const used = 'a'.repeat(32) + '12345678'
const kube = (token: string | null) =>
  ({
    get: async () => token && { data: { token: Buffer.from(token).toString('base64') } },
    patch: async () => {},
  }) as unknown as Kube
const gitea = (...tokens: [name: string, last: string][]) => {
  const dropped: string[] = []
  const list = tokens.map(([name, token_last_eight]) => ({ name, token_last_eight, scopes: [] }))
  const admin = {
    tokens: async () => list,
    makeToken: async () => 'new',
    dropToken: async (_: string, name: string) => void dropped.push(name),
  }
  return Object.assign(admin as never, { dropped }) as Parameters<typeof renewToken>[1] & { dropped: string[] }
}
const old: [string, string] = ['serve-20260101000000000', '87654321']
const theirs: [string, string] = ['serve-laptop', '11111111']

test('what an interrupted run has left at Gitea is known by its end; the one that is used, and a person’s own, are let be', async () => {
  const current: [string, string] = ['serve-20260102000000000', '12345678']
  expect(await spareTokens(kube(used), gitea(old, current, theirs, ['agents-20260101000000000', 'x']), wish, signal)).toEqual([
    old[0],
  ])
  expect(await spareTokens(kube(used), gitea(current), wish, signal)).toEqual([])
  // of nothing that is known to be the one, nothing is spare
  expect(await spareTokens(kube(used), gitea(old), wish, signal)).toEqual([])
  expect(await spareTokens(kube(null), gitea(old, current), wish, signal)).toEqual([])
})

test('a new one takes away our older ones, and no person’s', async () => {
  const admin = gitea(old, theirs)
  await renewToken(kube(used), admin, wish, new Date(0))
  expect(admin.dropped).toEqual([old[0]])
})
