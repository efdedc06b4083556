import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { redactedConfig } from '#lib/bootstrap/redacted-config.ts'
import { asInside, noteConnect } from '#lib/cluster-access.ts'
import { configMap } from '#lib/cluster/config-map.ts'
import { partsOf } from '#lib/cluster/parts.ts'
import { ConfigError, loadConfig, redactUrl, root } from '#lib/config.ts'
import { knownProcess, notePool } from '#lib/pool/state.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'config-'))
})
const file = (text: string): NodeJS.ProcessEnv => {
  writeFileSync(join(home, 'r.yaml'), text)
  return { RAIBID_HOME: home, RAIBID_CONFIG: join(home, 'r.yaml') }
}
const problems = async (env: NodeJS.ProcessEnv, flags = {}): Promise<string[]> => {
  const error: unknown = await loadConfig({ env, flags }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return (error as Error).message.replaceAll(join(home, 'r.yaml'), 'raibid.yaml').split('\n')
}

test('defaults', async () => {
  expect(await loadConfig({ env: {} })).toEqual({
    root,
    home: join(root, '.raibid'),
    redisUrl: expect.toSatisfy((url) => url === null || typeof url === 'string') as unknown,
    pools: { default: { max: availableParallelism(), warm: 0 } },
    pods: { default: {} },
    jobTimeoutMs: 3_600_000,
    serve: { public: null },
    repositories: [expect.objectContaining({ match: '**', branches: ['**'], tags: [], forks: 'hold', secrets: [] })],
    git: { credentials: [] },
    artifacts: join(root, '.raibid/artifacts'),
    registry: null,
    forges: [],
    publicUrl: null,
    agentMaxJobs: 1,
    agentIdleMs: 30_000,
    longestBuildMs: 0,
    notifyUrl: null,
    passEnv: [],
    cache: { folder: join(root, '.raibid/cache/builds'), maxAge: 604_800_000, maxSize: 50 * 2 ** 30, minFree: null },
    mirrors: { parallel: 8, perHost: 4, disk: null, minFree: null, maxBytes: 100 * 2 ** 30 },
    limits: {},
    redisGiven: false,
    cluster: null,
  })
})

test.each([
  ['kept', join(root, 'kept')],
  ['https://git.example/ci', 'https://git.example/ci'],
])('artifacts may be kept at %s', async (place, meant) => {
  expect((await loadConfig({ env: { RAIBID_ARTIFACTS: place } })).artifacts).toBe(meant)
})

test.each([
  ['https://me:secret@git.example/ci', /carries a login/],
  ['https://git.example/', /names no owner/],
  ['ftp://git.example/ci', /neither a folder nor a URL/],
])('artifacts can’t be kept at %s', async (place, why) => {
  const error = await loadConfig({ env: { RAIBID_ARTIFACTS: place } }).catch((thrown: Error) => thrown.message)
  expect(error).toMatch(why)
  expect(error).not.toContain('secret')
})

test('flags beat the environment, the environment beats the file', async () => {
  const env = file(
    'redisUrl: redis://file\npools: { default: { max: 4, warm: 2 }, gpu: { max: 1 } }\nagent: { maxJobs: 3, idle: 1m, passEnv: [A] }',
  )
  expect(await loadConfig({ env })).toMatchObject({
    redisUrl: 'redis://file',
    agentMaxJobs: 3,
    agentIdleMs: 60_000,
    passEnv: ['A'],
  })
  const more = {
    ...env,
    RAIBID_REDIS_URL: 'redis://env',
    RAIBID_AGENT_MAX_JOBS: '5',
    RAIBID_AGENT_IDLE: '7',
    RAIBID_PASS_ENV: 'B, C',
  }
  expect(await loadConfig({ env: more, flags: { max: 9 } })).toMatchObject({
    redisUrl: 'redis://env',
    pools: { default: { max: 9, warm: 2 }, gpu: { max: 1, warm: 0 } },
    agentMaxJobs: 5,
    agentIdleMs: 7000,
    passEnv: ['B', 'C'],
  })
  expect((await loadConfig({ env: more, flags: { redisUrl: 'redis://flag' } })).redisUrl).toBe('redis://flag')
})

test('the Redis of a running pool is found by its note; none is null', async () => {
  expect((await loadConfig({ env: { RAIBID_HOME: home } })).redisUrl).toBeNull()
  mkdirSync(join(home, 'run'))
  writeFileSync(join(home, 'run/redis.url'), 'redis://127.0.0.1:7001\n')
  expect((await loadConfig({ env: { RAIBID_HOME: home, RAIBID_REDIS_URL: '' } })).redisUrl).toBe('redis://127.0.0.1:7001')
})

test('an empty variable counts as not set', async () => {
  const env = { ...file('agent: { maxJobs: 3, passEnv: [A] }'), RAIBID_AGENT_MAX_JOBS: '', RAIBID_PASS_ENV: '' }
  expect(await loadConfig({ env })).toMatchObject({ agentMaxJobs: 3, passEnv: ['A'] })
})

describe('every mistake at once, with its place', () => {
  test('in the file and in the environment', async () => {
    const text =
      'redisUrl: nonsense\n\npools:\n  gpu:\n    max: lots\n    wram: 1\n  Bad_Name: {}\njobTimeout: ten\nagent:\n  passEnv:\n    - OK\n    - 1X\nlog: { perJob: 0, total: 1PB }\n'
    expect(await problems({ ...file(text), RAIBID_AGENT_MAX_JOBS: 'x', RAIBID_PASS_ENV: 'A-B' })).toEqual([
      'raibid.yaml:1: redisUrl: "nonsense" is not a URL such as redis://host:6379',
      'raibid.yaml:5: pools.gpu.max: "lots" is not a number',
      'raibid.yaml:6: pools.gpu.wram: is not a known key',
      'raibid.yaml:7: pools.Bad_Name: is not a pool name (a-z, 0-9 and -)',
      'raibid.yaml:8: jobTimeout: "ten" is not a duration such as 90s, 10m or 1h30m',
      'raibid.yaml:12: agent.passEnv[1]: "1X" is not the name of an environment variable',
      'raibid.yaml:13: log.perJob: 0 is not a size such as 16MiB',
      'raibid.yaml:13: log.total: "1PB" is not a size such as 16MiB',
      'RAIBID_AGENT_MAX_JOBS: "x" is not a whole number ≥ 1',
      'RAIBID_PASS_ENV: "A-B" is not the name of an environment variable',
    ])
  })

  test.each([
    ['pools: [1]', 'raibid.yaml:1: pools: [1] is not a mapping'],
    ['- a', 'raibid.yaml:1: ["a"] is not a mapping'],
    ['a: 1\na: 2', 'raibid.yaml:2: Map keys must be unique'],
    ['a: [1', 'raibid.yaml:1: '],
    ['pools:\n  a: { max: 1, warm: 2 }', 'raibid.yaml:2: pools.a.warm: is more than max'],
    ['pools:\n  a: { max: 0 }', 'raibid.yaml:2: pools.a.max: 0 is less than 1'],
    ['pools:\n  a: { max: 1.5 }', 'raibid.yaml:2: pools.a.max: 1.5 is not a whole number'],
    ['pools:\n  a: { image: ghcr.io/me/agent }', 'needs a tag other than latest, or a digest'],
    ['pools:\n  a: { image: "ghcr.io/me/agent:latest" }', 'needs a tag other than latest, or a digest'],
    ['pools:\n  a: { image: "localhost:5000/agent" }', 'needs a tag other than latest, or a digest'],
    ['pools:\n  a: { cpu: two }', 'is not a number of cores such as 2, 0.5 or 500m'],
    ['pools:\n  a: { memory: 4G }', 'is not a size such as 512Mi or 4Gi'],
    ['pools:\n  a: { memory: 0Gi }', 'raibid.yaml:2: pools.a.memory: "0Gi" is not a size such as 512Mi or 4Gi'],
    ['pools:\n  a:\n    cpu: 4\n    cpuLimit: 2', 'raibid.yaml:4: pools.a.cpuLimit: is less than cpu'],
    ['pools:\n  a: { cpuLimit: 100m }', 'pools.a.cpuLimit: is less than cpu'],
    ['pools:\n  a: { nodeSelector: { disk: "ssd; reboot" } }', 'pools.a.nodeSelector.disk: '],
    ['pools:\n  a: { env: { RAIBID_POOL: x } }', 'is a name of ours'],
    ['nonsense: 1', 'raibid.yaml:1: nonsense: is not a known key'],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((n, i) => `${n}: &${n} [${`*${'abcdefgh'[i]},`.repeat(9)}]`).join('\n')}`,
      'aliases',
    ],
    [`# ${'x'.repeat(2 ** 20)}`, 'characters long'],
  ])('%#', async (text, expected) => {
    expect((await problems(file(text))).join('\n')).toContain(expected)
  })

  test('a named file that is missing; a flag that contradicts', async () => {
    expect(await problems({ RAIBID_HOME: home, RAIBID_CONFIG: '/nowhere.yaml' })).toEqual([
      'RAIBID_CONFIG: there is no file /nowhere.yaml',
    ])
    expect(await problems({ RAIBID_HOME: home }, { max: 1, warm: 2 })).toEqual(['pool default: warm (2) is more than max (1)'])
  })

  test('an empty file is no mistake', async () => {
    expect((await loadConfig({ env: file('# nothing\n') })).agentMaxJobs).toBe(1)
  })
})

describe('git credentials', () => {
  const path = () => join(home, 'git-credentials')

  test('of the environment and of the file', async () => {
    writeFileSync(path(), '# comment\ngit.example\tme\tt2\n', { mode: 0o600 })
    const env = { RAIBID_HOME: home, RAIBID_GIT_CREDENTIALS: 'github.com\tx-access-token\tt1\n' }
    expect((await loadConfig({ env })).git.credentials).toEqual([
      { host: 'github.com', user: 'x-access-token', token: 't1' },
      { host: 'git.example', user: 'me', token: 't2' },
    ])
  })

  test('a file that others may read is refused, and no token is shown', async () => {
    writeFileSync(path(), 'h\tu\thush\n')
    chmodSync(path(), 0o644)
    const found = await problems({ RAIBID_HOME: home, RAIBID_GIT_CREDENTIALS: 'host\thush' })
    expect(found).toEqual([
      'RAIBID_GIT_CREDENTIALS: line 1 is not "host<TAB>user<TAB>token"',
      `${path()}: other users may read it (mode 644); run: chmod 600 ${path()}`,
    ])
  })
})

test.each([
  ['redis://:hush@h:6379/0', 'redis://:***@h:6379/0'],
  ['redis://user:hu@sh@h', 'redis://user:***@h'],
  ['https://token@github.com/a/b', 'https://***@github.com/a/b'],
  ['redis://h:6379', 'redis://h:6379'],
  ['/some/path', '/some/path'],
])('redactUrl(%s)', (url, expected) => {
  expect(redactUrl(url)).toBe(expected)
})

describe('a cluster that bootstrap made from here', () => {
  const access = {
    kube: { context: 'raibid-ci' },
    redisUrl: 'redis://app:hush@10.43.0.7:6379',
    secretKey: 'ab'.repeat(32),
    gitea: { url: 'http://gitea.infrastructure.svc:30300', aliases: [], token: 'its' },
    serveUrl: 'http://192.168.1.9:30808',
  }
  const note = (what: unknown, mode = 0o600): void => {
    mkdirSync(join(home, 'cluster'), { recursive: true })
    writeFileSync(join(home, 'cluster/access.json'), JSON.stringify(what), { mode })
  }
  const load = (env = {}) => loadConfig({ env: { ...file(''), ...env } })

  test('is what tasks work with: its queue, its Gitea', async () => {
    note(access)
    const { redisUrl, cluster, forges, redisGiven, git } = await load()
    expect(git.credentials).toEqual([{ host: 'gitea.infrastructure.svc:30300', user: 'raibid', token: 'its' }])
    expect({ redisUrl, cluster, redisGiven }).toEqual({ redisUrl: access.redisUrl, cluster: access, redisGiven: false })
    expect(forges).toMatchObject([{ kind: 'gitea', url: access.gitea.url }])
    expect(forges[0]!.token()).toBe('its')
  })
  test('a repository of its Gitea is called as agents call it, whatever its name is here', () => {
    const gitea = { url: 'http://192.168.1.9:30300', aliases: ['http://gitea.infrastructure.svc:30300'], token: 'its' }
    const inside = 'http://gitea.infrastructure.svc:30300/me/app.git'
    expect(asInside('http://192.168.1.9:30300/me/app.git', { ...access, gitea })).toBe(inside)
    for (const [url, of] of [
      [inside, { ...access, gitea }],
      ['http://192.168.1.9:303001/me/app.git', { ...access, gitea }],
      ['https://github.com/me/app', { ...access, gitea }],
      [inside, access],
      [inside, null],
    ] as const)
      expect(asInside(url, of)).toBe(url)
  })
  test('what is applied to it is the same before and after that', async () => {
    const [before, settings] = [await load(), { preset: 'minimal' } as const]
    note({ ...access, gitea: { url: 'http://192.168.1.9:30300', aliases: [access.gitea.url], token: 'its' } })
    const after = await load()
    expect(partsOf(after, settings)).toEqual(partsOf(before, settings))
    expect(configMap(after)).toEqual(configMap(before))
    expect(JSON.stringify(partsOf(after, settings).serve)).toContain(access.gitea.url)
  })
  test('but a Redis that is named goes before it, and so does a Gitea of the file and a token of the environment', async () => {
    note(access)
    const named = await load({ RAIBID_REDIS_URL: 'redis://other:1' })
    expect([named.redisUrl, named.cluster]).toEqual(['redis://other:1', null])
    expect((await load({ RAIBID_GITEA_TOKEN: 'mine' })).forges[0]!.token()).toBe('mine')
    const own = await loadConfig({ env: file('forges: [{ kind: gitea, url: http://git.lan }]') })
    expect(own.forges.map(({ url }) => url)).toEqual(['http://git.lan'])
  })
  test('a local pool goes before it while it is at work, and not when it was killed', async () => {
    note(access)
    mkdirSync(join(home, 'run'))
    writeFileSync(join(home, 'run/redis.url'), 'redis://local:1\n')
    notePool(home, { ...knownProcess(process.pid)!, pools: {}, startedAt: 0 })
    const { redisUrl, cluster } = await load()
    expect([redisUrl, cluster]).toEqual(['redis://local:1', null])
    // its number is another process's by now, as after a reboot
    notePool(home, { pid: process.pid, startTime: '1', pools: {}, startedAt: 0 })
    expect((await load()).redisUrl).toBe(access.redisUrl)
  })
  test('what just connect has opened is used while it is open, and by nobody who has its number since', async () => {
    note({ ...access, redisUrl: null })
    const forget = noteConnect(home, 'redis://127.0.0.1:7')
    expect((await load()).redisUrl).toBe('redis://127.0.0.1:7')
    const forgetLater = noteConnect(home, 'redis://127.0.0.1:8')
    forget()
    expect((await load()).redisUrl).toBe('redis://127.0.0.1:8')
    forgetLater()
    expect((await load()).redisUrl).toBeNull()
    const stale = { pid: process.pid, startTime: '1', url: 'redis://127.0.0.1:9' }
    writeFileSync(join(home, 'cluster/connect.json'), JSON.stringify(stale))
    expect((await load()).redisUrl).toBeNull()
  })
  test('is shown without what logs in to it', async () => {
    note(access)
    const shown = JSON.stringify(redactedConfig(await load()))
    expect(shown).toContain(access.serveUrl)
    for (const secret of ['hush', access.secretKey, '"its"']) expect(shown).not.toContain(secret)
  })
  test.each([
    ['is damaged', { ...access, secretKey: 7 }, 0o600],
    ['lacks something', {}, 0o600],
    ['can be read by others', access, 0o644],
    ['has no address of Gitea', { ...access, gitea: { ...access.gitea, url: 'gitea' } }, 0o600],
    ['has aliases that are none', { ...access, gitea: { ...access.gitea, aliases: 'abc' } }, 0o600],
    ['leads to a script', { ...access, serveUrl: 'javascript:alert(1)' }, 0o600],
    ['names no cluster', { ...access, kube: null }, 0o600],
  ])('a note that %s is none', async (_, what, mode) => {
    note(what, mode)
    const { redisUrl, cluster, forges } = await load()
    expect({ redisUrl, cluster, forges }).toEqual({ redisUrl: null, cluster: null, forges: [] })
  })
})
