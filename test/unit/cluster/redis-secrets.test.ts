import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import type { Secret } from '#lib/cluster/secret.ts'
import { serveSecret } from '#lib/cluster/serve-secret.ts'
import { cluster, env } from '#lib/contract.ts'
import { keys } from '#lib/queue/keys.ts'
import { webhookSecrets } from '#lib/server/webhook-secret.ts'

const read = (secrets: Secret[], name: string, key: string): string =>
  Buffer.from(secrets.find(({ metadata }) => metadata.name === name)!.data[key]!, 'base64').toString()

test('three Secrets under the names of the contract, each where it is read', () => {
  const secrets = redisSecrets({ random: randomBytes })
  expect(secrets.map(({ metadata }) => [metadata.namespace, metadata.name])).toEqual([
    [cluster.namespace, cluster.redisAppSecret],
    [cluster.namespace, cluster.redisKedaSecret],
    [cluster.infrastructure, cluster.redisAclSecret],
  ])
  expect(read(secrets, 'redis-app', 'url')).toMatch(/^redis:\/\/app:[0-9a-f]{64}@redis\.infrastructure\.svc:6379$/)
})

test('Redis knows digests only, and nobody without a name', () => {
  const secrets = redisSecrets({ random: randomBytes })
  const acl = read(secrets, 'redis-acl', 'users.acl')
  expect(acl).toMatch(/^user default off /)
  expect(acl.match(/^user \w+/gm)).toEqual(['user default', 'user app', 'user keda', 'user probe'])
  for (const password of [read(secrets, 'redis-keda', 'password'), read(secrets, 'redis-acl', 'probe-password')]) {
    expect(password).toMatch(/^[0-9a-f]{64}$/)
    expect(acl).not.toContain(password)
  }
})

test('what exists stays, what is missing is made', () => {
  const first = redisSecrets({ random: randomBytes })
  expect(redisSecrets({ existing: first, random: randomBytes })).toEqual(first)
  // what is made of the others: a password that nobody kept must not be in it
  expect(first.at(-1)!.metadata.name).toBe(cluster.redisAclSecret)
  const without = redisSecrets({ existing: first.filter(({ metadata }) => metadata.name !== 'redis-keda'), random: randomBytes })
  expect(read(without, 'redis-app', 'url')).toBe(read(first, 'redis-app', 'url'))
  expect(read(without, 'redis-keda', 'password')).not.toBe(read(first, 'redis-keda', 'password'))
})

test('the secret of webhooks is long enough, random, and stays: forges have it too', () => {
  const first = serveSecret({ random: randomBytes })
  expect(first.metadata).toEqual({ name: cluster.serveSecret, namespace: cluster.namespace })
  const text = read([first], cluster.serveSecret, 'webhook-secret')
  expect(webhookSecrets('/nowhere', { [env.webhookSecret]: text }, false)).toEqual([text])
  expect(serveSecret({ random: randomBytes })).not.toEqual(first)
  expect(serveSecret({ existing: [first], random: randomBytes })).toEqual(first)
})

test('the user app may reach every key and channel of the protocol', () => {
  const acl = read(redisSecrets({ random: randomBytes }), 'redis-acl', 'users.acl')
  const app = acl.split('\n').find((line) => line.startsWith('user app'))!
  const patterns = (sign: string) => app.split(' ').flatMap((word) => (word.startsWith(sign) ? [word.slice(1)] : []))
  const allows = (list: string[], name: string) =>
    list.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))
  const names = Object.values(keys).map((key) => (typeof key === 'string' ? key : key('x')))
  expect(names.filter((name) => !allows(patterns('~'), name))).toEqual([])
  expect(allows(patterns('&'), keys.cancel('x'))).toBe(true)
})
