import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { cluster } from '#lib/contract.ts'
import { world } from '#test/helpers/api-world.ts'
import { kept } from '#test/helpers/interrupted.ts'

const { infrastructure: namespace } = cluster
const only = (...names: string[]): string[] => names.flatMap((name) => ['--only', name])
const ref = (kind: string, name: string, apiVersion = 'v1') => ({ apiVersion, kind, metadata: { name, namespace } })

vi.setConfig({ testTimeout: 180_000 })

describe.concurrent('ended by Ctrl-C, kill -9 and a cut connection in turn', () => {
  test.each(['before', 'after'] as const)(
    'bootstrap, %s each write: the command that it names, and so on, comes to its end',
    async (when) => {
      await using it = await world()
      const { ended } = await it.interrupted('bootstrap', [...only('namespaces', 'redis'), ...it.named], {
        when,
        after: (ran, how, before) => {
          kept(before, it.snapshot())
          if (how === 'cut')
            expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(`cannot reach Kubernetes at ${it.proxy.url}`)])
        },
      })
      expect(ended).toBeGreaterThan(8)
      const count = it.api.writes().length
      const again = await it.task('bootstrap', ...only('namespaces', 'redis'))
      expect([again.code, again.stderr, it.api.writes().length]).toEqual([0, expect.stringContaining('Nothing to do.'), count])
    },
  )

  test('teardown: again, and everything is gone, and nothing of others', async () => {
    await using it = await world()
    const components = only('redis')
    const made = await it.task('bootstrap', ...only('namespaces', 'redis'), ...it.named)
    const before = it.snapshot()
    expect([made.code, made.stderr]).toEqual([0, expect.any(String)])
    const sure = ['--yes', '--i-mean', 'fake']
    const { ended } = await it.interrupted('teardown', [...components, ...sure], {
      when: 'in turn',
      besides: sure,
      after: (ran, how) => {
        if (how === 'cut')
          expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(`cannot reach Kubernetes at ${it.proxy.url}`)])
      },
    })
    expect(ended).toBeGreaterThan(3)
    expect(it.snapshot()).toEqual(new Map([...before].filter(([path]) => !path.includes('redis'))))
    const state = JSON.parse(readFileSync(it.stateFile, 'utf8')) as { components: object }
    expect(Object.keys(state.components)).not.toContain('redis')
  })

  test('reconcile: again, and what drifted is as it was', async () => {
    await using it = await world()
    expect((await it.task('bootstrap', ...only('namespaces', 'redis'), ...it.named)).code).toBe(0)
    const before = it.snapshot()
    const acl = it.api.get(ref('Secret', cluster.redisAclSecret))
    it.api.put({ ...acl, data: { ...acl.data, 'users.acl': Buffer.from('user default on nopass').toString('base64') } })
    const config = it.api.get(ref('ConfigMap', 'redis')) ?? it.api.get(ref('Service', 'redis'))
    const kube = it.api.get(ref('StatefulSet', 'redis', 'apps/v1'))
    it.api.put({ ...kube, spec: { ...kube.spec, replicas: 0 } })
    it.api.put({ ...config, ...('data' in config ? { data: {} } : { spec: {} }) })
    const { ended, last } = await it.interrupted('reconcile', ['--once'], {
      when: 'in turn',
      after: (ran, how) => {
        if (how !== 'cut') return
        expect([ran.code, ran.stderr]).toEqual([
          1,
          expect.stringContaining('redis could not be repaired: cannot reach Kubernetes'),
        ])
        // the wait after a repair that failed is over
        writeFileSync(it.stateFile, readFileSync(it.stateFile, 'utf8').replace(/"notBefore": \d+/g, '"notBefore": 0'))
      },
    })
    expect(ended).toBeGreaterThan(2)
    expect(last.stderr).toContain('Everything that was installed is well.')
    expect(it.snapshot()).toEqual(before)
  })
})
