import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { configMap } from '#lib/cluster/config-map.ts'
import { scaledJob } from '#lib/cluster/scaled-job.ts'
import { agentsToStart } from '#lib/pool/scaler.ts'
import { configOf } from '#test/helpers/rendered.ts'

const spec = async (text: string, pool = 'default'): Promise<any> => scaledJob(await configOf(text), pool)['spec']

describe('the ScaledJob of a pool', () => {
  test('counts entries of its own stream, from zero, each second, as a user of its own', async () => {
    const { triggers, pollingInterval } = await spec('pools: { gpu: { max: 1 } }', 'gpu')
    expect(pollingInterval).toBe(1)
    expect(triggers).toEqual([
      {
        type: 'redis-streams',
        metadata: {
          address: 'redis.infrastructure.svc:6379',
          stream: 'ci-jobs:gpu',
          streamLength: '1',
          activationLagCount: '0',
        },
        authenticationRef: { name: 'ci-redis' },
      },
    ])
  })

  test('keeps running builds when it is edited, and repeats nothing by itself', async () => {
    const { rollout, scalingStrategy, jobTargetRef } = await spec('')
    expect([rollout, scalingStrategy]).toEqual([{ strategy: 'gradual' }, undefined])
    expect(jobTargetRef).toMatchObject({ backoffLimit: 0, parallelism: 1, completions: 1 })
    expect(jobTargetRef.template.spec.restartPolicy).toBe('Never')
  })

  test('has the volume of the caches where raibid.yaml names one, and only to read where it says so', async () => {
    const pod = async (text: string): Promise<any> => (await spec(`pools: { default: { ${text} } }`)).jobTargetRef.template.spec
    const none = await pod('max: 1')
    expect(JSON.stringify(none)).not.toMatch(/persistentVolumeClaim|RAIBID_CACHE/)
    for (const readOnly of [false, true]) {
      const { volumes, containers } = await pod(`cacheVolume: builds, cacheReadOnly: ${readOnly}`)
      expect(volumes).toContainEqual({ name: 'cache', persistentVolumeClaim: { claimName: 'builds', readOnly } })
      expect(containers[0].volumeMounts).toContainEqual({ name: 'cache', mountPath: '/var/cache/raibid', readOnly })
      expect(containers[0].env).toContainEqual({ name: 'RAIBID_CACHE', value: '/var/cache/raibid' })
    }
  })

  test('takes the settings of raibid.yaml', async () => {
    const text =
      'pools: { default: { max: 2, image: "r.example/a:1", cpu: 1.5, cpuLimit: 4000m, memory: 2Gi, disk: 5Gi, gpu: 1, nodeSelector: { kind: big }, env: { LEVEL: 2 } } }'
    const pod = (await spec(text)).jobTargetRef.template.spec
    const kept = { memory: '2Gi', 'ephemeral-storage': '5Gi', 'nvidia.com/gpu': '1' }
    expect(pod).toMatchObject({ runtimeClassName: 'nvidia', nodeSelector: { kind: 'big' } })
    expect(pod.containers[0]).toMatchObject({
      image: 'r.example/a:1',
      resources: { requests: { cpu: '1500m', ...kept }, limits: { cpu: '4', ...kept } },
    })
    expect(pod.containers[0].env).toContainEqual({ name: 'LEVEL', value: '2' })
  })

  test.each([
    // 10 min to start, and for each build: idle, the longest build, 5 min around it
    ['', 600 + 30 + 6 * 3600 + 300],
    ['pools: { default: { max: 1, warm: 1 } }', 600 + 750 + 6 * 3600 + 300],
    ['agent: { maxJobs: 3, idle: 1m }', 600 + 3 * (60 + 6 * 3600 + 300)],
    ['jobTimeout: 8h', 600 + 30 + 8 * 3600 + 300],
    ['pools: { default: { longestBuild: 2h } }', 600 + 30 + 2 * 3600 + 300],
  ])('has a deadline above all that an agent may take: %s', async (text, seconds) => {
    expect((await spec(text)).jobTargetRef.activeDeadlineSeconds).toBe(seconds)
  })

  test('tells the agent when a build counts as stuck: at the deadline it would only give its job back, for the next to try as long', async () => {
    const { jobTargetRef } = await spec('pools: { default: { longestBuild: 90m } }')
    expect(jobTargetRef.template.spec.containers[0].env).toContainEqual({ name: 'RAIBID_LONGEST_BUILD', value: '5400' })
  })
})

describe('max means all agents', () => {
  /** KEDA v2.20.2, strategy default, target 1: scaledjob_types.go MaxReplicaCount, scale_jobs.go createJobs, metrics.go. */
  function keda(entries: number, jobs: number, min: number, max: number): number {
    if (jobs < min) return min - jobs
    const maxScale = Math.min(entries, max - min)
    return Math.max(0, Math.min(entries, maxScale - (jobs - min)))
  }
  const arbitrary = fc.record({ entries: fc.nat(40), agents: fc.nat(12), max: fc.integer({ min: 1, max: 8 }), warm: fc.nat(8) })

  test('KEDA with this spec starts what the local scaler starts, and never more than max', async () => {
    const config = await configOf('')
    fc.assert(
      fc.property(arbitrary, ({ entries, agents, max, warm: wanted }) => {
        const warm = Math.min(wanted, max)
        const { spec } = scaledJob({ ...config, pools: { default: { max, warm } } }, 'default') as any
        const started = keda(entries, agents, spec.minReplicaCount, spec.maxReplicaCount)
        expect(started).toBe(agentsToStart({ entries, agents, max, warm }))
        expect(agents > max ? 0 : agents + started).toBeLessThanOrEqual(max)
      }),
      { numRuns: 2000 },
    )
  })

  test('a warm pool under load reaches max, no more', () => {
    expect(keda(20, 1, 1, 4) + 1).toBe(4)
    expect(keda(20, 4, 1, 4)).toBe(0)
  })
})

test('raibid.yaml in the cluster: serve builds and shows no more than here, and tells the same forges', async () => {
  const config = await configOf(`
artifacts: https://git.test/ci
registry: http://registry.test:5000
serve: { public: false }
repositories: [{ match: 'org/*', branches: [main], secrets: [A], forks: ignore, mirror: org/x, url: 'https://git.test/org/x', poll: 90s, cron: '0 3 * * *' }, { match: '**', enabled: false }]
forges: [{ kind: gitea, url: 'https://git.test', aliases: ['http://gitea.test:3000'], tokenFile: /home/me/hush }]
publicUrl: https://ci.test`)
  const text = (configMap(config)['data'] as Record<string, string>)['raibid.yaml']!
  expect(text).not.toContain('hush')
  const { artifacts, registry, serve, repositories, publicUrl } = config
  const there = await configOf(text)
  expect(there).toMatchObject({ artifacts, registry, serve, repositories, publicUrl })
  const shown = ({ forges }: typeof config) => forges.map(({ kind, url, aliases }) => ({ kind, url, aliases }))
  expect(shown(there)).toEqual(shown(config))
})

test('raibid.yaml in the cluster says what it says here, without the address of Redis', async () => {
  const config = await configOf(
    'redisUrl: redis://:hush@here:1\npools: { default: { max: 3, warm: 1, memory: 2Gi, longestBuild: 90m }, gpu: { max: 1, gpu: 1 } }\njobTimeout: 20m\nagent: { maxJobs: 2, idle: 1500ms, passEnv: [A] }\nlog: { perJob: 1MiB }\ncache: { maxAge: 2d, maxSize: 1GiB, minFree: 5GiB }',
  )
  const text = (configMap(config)['data'] as Record<string, string>)['raibid.yaml']!
  expect(text).not.toContain('hush')
  const { pools, pods, jobTimeoutMs, agentMaxJobs, agentIdleMs, passEnv, limits } = config
  const { folder: _folder, ...cache } = config.cache
  expect(await configOf(text)).toMatchObject({ pools, pods, jobTimeoutMs, agentMaxJobs, agentIdleMs, passEnv, limits, cache })
})
