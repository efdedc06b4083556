import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import { cluster } from '#lib/contract.ts'
import { keeper as keeperOf } from '#lib/queue/keeper.ts'
import { keys } from '#lib/queue/keys.ts'
import { producer as producerOf } from '#lib/queue/producer.ts'
import { reader as readerOf } from '#lib/queue/reader.ts'
import { worker as workerOf } from '#lib/queue/worker.ts'
import { needs } from '#test/helpers/needs.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { freePort, startRedisAt } from '#test/helpers/redis-server.ts'

needs('redis-server').describe('the users of Redis, on a real one', () => {
  let server: ChildProcess
  let port: number
  const clients: Redis[] = []
  const secrets = redisSecrets({ random: randomBytes })
  const read = (name: string, key: string): string =>
    Buffer.from(secrets.find(({ metadata }) => metadata.name === name)!.data[key]!, 'base64').toString()
  const as = (username: string, password: string): Redis => {
    const client = new Redis({ port, username, password, maxRetriesPerRequest: 1, enableReadyCheck: username === 'app' })
    client.on('error', () => {})
    clients.push(client)
    return client
  }
  const app = () => as('app', new URL(read(cluster.redisAppSecret, 'url')).password)
  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'acl-'))
    writeFileSync(join(dir, 'users.acl'), read(cluster.redisAclSecret, 'users.acl'))
    port = await freePort()
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--aclfile', join(dir, 'users.acl')]
    server = spawn('redis-server', options, { stdio: 'ignore' })
    const probe = new Redis(new URL(read(cluster.redisAppSecret, 'url')).href.replace(/@.*$/, `@127.0.0.1:${port}`), {
      maxRetriesPerRequest: null,
    })
    probe.on('error', () => {})
    await probe.ping()
    probe.disconnect()
  })
  afterAll(() => {
    for (const client of clients) client.disconnect()
    server.kill('SIGKILL')
  })

  test('app may do all that the protocol does', async () => {
    const redis = app()
    const producer = producerOf(redis)
    const enqueue = () =>
      producer.enqueue({
        repo: '/r',
        branch: 'main',
        commit: '',
        pipeline: 'auto',
        pool: 'default',
        timeoutMs: 0,
        env: {},
        secrets: [],
      })
    const { id } = await enqueue()
    const worker = workerOf(redis, 'a1')
    expect(await worker.claim('t1', 'default')).toMatchObject({ kind: 'job', job: { id } })
    expect(await worker.beat(id, 't1')).toBe('ok')
    expect(await worker.log(id, 't1', [{ seq: 1, kind: 'out', step: 0, text: 'x\n', lines: 1, line: 0 }])).toBe('ok')
    await worker.onCancel(app(), id, () => {})
    expect(await worker.release('t1', 'drained', 'why not')).toBe('pending')
    await producer.cancel(id)
    await producer.retry(id)
    const keeper = keeperOf(redis, () => ['default'])
    await keeper.release('a1', 'gone', 'test')
    const reader = readerOf(redis)
    expect(await reader.counts(['default'])).toMatchObject([{ entries: 1 }])
    await Promise.all([reader.totals(), reader.agents(), redis.xread('COUNT', 1, 'STREAMS', keys.events, '0'), redis.ping()])
  })

  test('app may not change the server or reach other keys', async () => {
    const redis = app()
    for (const command of [
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
      ['KEYS', '*'],
      ['ACL', 'LIST'],
      ['SHUTDOWN'],
      ['SET', 'other', '1'],
    ] as const)
      await expect(redis.call(command[0], ...command.slice(1)), command.join(' ')).rejects.toThrow(/NOPERM/)
  })

  test('KEDA may look, and nothing else', async () => {
    const redis = as('keda', read(cluster.redisKedaSecret, 'password'))
    expect(await redis.ping()).toBe('PONG')
    expect(await redis.xlen(keys.stream('default'))).toBe(1)
    expect(await redis.xlen(keys.stream('gpu'))).toBe(0)
    await expect(redis.xadd(keys.stream('default'), '*', 'a', 'b')).rejects.toThrow(/NOPERM/)
    await expect(redis.hgetall(keys.agents)).rejects.toThrow(/NOPERM/)
  })

  test('the probe pings; who has no name gets nothing', async () => {
    const probe = as('probe', read(cluster.redisAclSecret, 'probe-password'))
    expect(await probe.ping()).toBe('PONG')
    await expect(probe.xlen(keys.stream('default'))).rejects.toThrow(/NOPERM/)
    await expect(new Redis({ port, maxRetriesPerRequest: 1, enableReadyCheck: false }).ping()).rejects.toThrow(/NOAUTH/)
  })

  test('nobody can be the user default, by no password', async () => {
    for (const password of ['', 'default', 'any']) {
      const client = app()
      await client.ping()
      await expect(client.call('AUTH', 'default', password)).rejects.toThrow(/WRONGPASS/)
    }
  })

  // Redis replays its file as the user default
  test('what was written is there after a restart', async () => {
    const acl = {
      users: read(cluster.redisAclSecret, 'users.acl'),
      login: `app:${new URL(read(cluster.redisAppSecret, 'url')).password}@`,
    }
    const redis = await startRedisAt({ acl })
    onTestFinished(() => redis.stop())
    const { id } = await producerOf(redis.client()).enqueue(aSpec())
    await redis.kill()
    await redis.start()
    const reader = readerOf(redis.client())
    expect(await reader.job(id)).toMatchObject({ id, state: 'pending' })
    expect(await reader.counts(['default'])).toMatchObject([{ entries: 1, pending: 1 }])
  })
})
