import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { root } from '#lib/config.ts'
import { cluster, files } from '#lib/contract.ts'
import { world } from '#test/helpers/api-world.ts'
import { status, type Answer, type Heard } from '#test/helpers/fake-api.ts'
import { start } from '#test/helpers/interrupted.ts'
import type { Result } from '#test/helpers/run-process.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

vi.setConfig({ testTimeout: 120_000 })

const { infrastructure: namespace } = cluster
const stores = ['--only', 'namespaces', '--only', 'redis']
const takeDown = ['--only', 'redis', '--yes', '--i-mean', 'fake']
const redis = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'redis', namespace } }
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'redis', namespace } }
const acl = { apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.redisAclSecret, namespace } }
interface Row {
  name: string
  state: string
  reason: string
  evidence: string[]
}
const rowOf = (ran: Result, name = 'redis'): Row =>
  (JSON.parse(ran.stdout) as { components: Row[] }).components.find((one) => one.name === name)!

/** Namespaces and Redis, installed and well; from then on the API server refuses what the test says. */
async function installed() {
  const state: { refuse: (heard: Heard) => Answer | undefined } = { refuse: () => undefined }
  const it = await world((heard) => state.refuse(heard))
  expect(await it.task('bootstrap', ...stores, ...it.named)).toMatchObject({ code: 0 })
  const known = (): Record<string, { state: string; reason: string | null; wanted: boolean }> =>
    (JSON.parse(readFileSync(it.stateFile, 'utf8')) as { components: object }).components as never
  return Object.assign(it, {
    known,
    refuse: (how: typeof state.refuse) => void (state.refuse = how),
    drift: () => it.api.put({ ...it.api.get(service), spec: {} }),
    left: () => readdirSync(join(it.env.RAIBID_HOME, 'cluster')),
  })
}

describe.concurrent('status, reconcile and teardown, where', () => {
  test('an account may look and not write: what it may not, nothing changed', async () => {
    await using it = await installed()
    const before = it.snapshot()
    it.drift()
    it.refuse(({ method, path }) =>
      method === 'GET'
        ? undefined
        : status(403, 'Forbidden', `${path} is forbidden: User "me" cannot ${method.toLowerCase()} it`),
    )
    const seen = await it.task('status', '--json')
    expect([seen.code, rowOf(seen)]).toMatchObject([
      1,
      { state: 'degraded', reason: expect.stringMatching(/^not allowed to .*; ask for a role that may$/) },
    ])
    const mended = await it.task('reconcile')
    expect([mended.code, mended.stderr]).toEqual([1, expect.stringContaining('namespaces could not be repaired: not allowed to')])
    const down = await it.task('teardown', ...takeDown)
    expect([down.code, down.stderr]).toEqual([
      1,
      expect.stringMatching(/redis is left: not allowed to delete .*\n✗ left: redis; see why above/),
    ])
    expect([it.snapshot(), it.left()]).toEqual([before, ['state.json']])
  })

  test('a webhook refuses: whose, and the next run makes it good when it lets go', async () => {
    await using it = await installed()
    const before = it.snapshot()
    it.drift()
    it.refuse(({ method, query }) =>
      method === 'GET' || query.get('dryRun')
        ? undefined
        : status(403, 'Forbidden', 'admission webhook "policy.example" denied the request: not on a Sunday'),
    )
    expect(rowOf(await it.task('status', '--json')).reason).toMatch(/^Service infrastructure\/redis: spec/)
    const mended = await it.task('reconcile')
    expect([mended.code, mended.stderr]).toEqual([
      1,
      expect.stringMatching(/redis could not be repaired: .* does not admit Service redis .*policy.example/),
    ])
    expect(it.known()['redis']).toMatchObject({ state: 'failed', wanted: true })
    const down = await it.task('teardown', ...takeDown)
    expect([down.code, down.stderr]).toEqual([1, expect.stringMatching(/redis is left: .*policy.example/)])
    it.refuse(() => undefined)
    expect((await it.task('bootstrap', ...stores)).code).toBe(0)
    expect(it.snapshot()).toEqual(before)
  })

  test('pods never get ready: the reason; Ctrl-C while reconcile waits; teardown takes it away all the same', async () => {
    await using it = await installed()
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-redis-0' } }]
    it.api.put({ ...it.api.get(redis), status: { readyReplicas: 0 } })
    const waiting = { reason: 'ImagePullBackOff', message: 'no such image' }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'redis-0', namespace } }
    it.api.put({
      ...pod,
      spec: { volumes },
      status: { phase: 'Pending', containerStatuses: [{ name: 'redis', state: { waiting } }] },
    })
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data-redis-0', namespace } }
    it.api.put({ ...claim, status: { phase: 'Pending' } })
    const seen = rowOf(await it.task('status', '--json'))
    expect(seen.reason).toBe('StatefulSet redis has 0 of 1 pods ready: volume data-redis-0 is Pending')
    expect(seen.evidence.join()).toContain('ImagePullBackOff: no such image')
    const child = start('reconcile', ['--once'], it.env, (pid) => {
      void waitFor('the repair', () => it.known()['redis']!.state === 'repairing', 30_000).then(() => process.kill(pid, 'SIGINT'))
    })
    expect(await child).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('What was begun is taken up by: just reconcile'),
    })
    expect([it.known()['redis'], it.left()]).toMatchObject([
      { state: 'failed', reason: 'interrupted', wanted: true },
      ['state.json'],
    ])
    expect(await it.task('teardown', ...takeDown)).toMatchObject({ code: 0 })
    expect(it.api.get(redis)).toBeUndefined()
  })

  test('a Secret was edited: which, and what of it; it is mended, and its password kept', async () => {
    await using it = await installed()
    const before = it.snapshot()
    const live = it.api.get(acl)
    it.api.put({ ...live, data: { ...live.data, 'users.acl': Buffer.from('user default on nopass').toString('base64') } })
    expect(rowOf(await it.task('status', '--json'))).toMatchObject({
      state: 'degraded',
      reason: 'Secret infrastructure/redis-acl was changed: users.acl',
    })
    const mended = await it.task('reconcile')
    expect([mended.code, mended.stderr]).toEqual([0, expect.stringContaining('redis was repaired')])
    expect(it.snapshot()).toEqual(before)
  })

  test('the API server goes: 3 for who needs it, and nothing is forgotten', async () => {
    await using it = await installed()
    const [before, known] = [it.snapshot(), it.known()]
    await it.proxy.close()
    for (const [verb, code, ...args] of [
      ['teardown', 3, ...takeDown],
      ['bootstrap', 3, ...stores],
      ['reconcile', 1],
      ['status', 1],
    ] as const) {
      const ran = await it.task(verb, ...args)
      expect([verb, ran.code, ran.stderr + ran.stdout]).toEqual([
        verb,
        code,
        expect.stringContaining(`cannot reach Kubernetes at ${it.proxy.url}`),
      ])
    }
    expect(it.snapshot()).toEqual(before)
    expect(Object.keys(it.known())).toEqual(expect.arrayContaining(Object.keys(known)))
    expect(it.known()['redis']).toMatchObject({ wanted: true })
  })

  test('the clock was set back: no repair waits for years', async () => {
    await using it = await installed()
    it.drift()
    const text = readFileSync(it.stateFile, 'utf8').replace(/"notBefore": \d+/g, `"notBefore": ${Date.now() + 1e12}`)
    writeFileSync(it.stateFile, text.replace(/"since": \d+/g, `"since": ${Date.now() + 1e12}`))
    expect((await it.task('status')).stdout).not.toMatch(/ -\d/)
    const ran = await it.task('reconcile')
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('redis was repaired')])
  })
})

describe.concurrent('bootstrap, where', () => {
  test('something before --only is broken: that one first, by the command it names', async () => {
    await using it = await installed()
    const ns = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'agents', namespace: cluster.namespace } }
    const one = it.api.all().find(({ kind }) => kind === 'LimitRange') ?? ns
    it.api.put({ ...one, spec: {} })
    it.drift()
    const ran = await it.task('bootstrap', '--only', 'redis')
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining('to go on: just bootstrap --only namespaces --only redis\n'),
    ])
    expect(await it.task('bootstrap', ...stores)).toMatchObject({ code: 0 })
    const from = await it.task('bootstrap', '--from', 'serve')
    expect(from.stderr).toMatch(/serve: .*it needs gitea, which is absent|it needs \S+, which is absent/)
    expect(from.stderr).toMatch(/to go on: just bootstrap --from (?!serve)\S+\n/)
  })

  test('another one is at work: who; those who only look may; and of many that find a dead one’s lock one gets it', async () => {
    await using it = await world()
    const lock = join(it.env.RAIBID_HOME, files.clusterLock)
    const fate = { nth: 1, when: 'before' as const, cut: false, act: () => process.kill(first.pid!, 'SIGSTOP') }
    it.proxy.arm(fate)
    const first = spawn(process.execPath, [join(root, 'tasks/cluster/bootstrap.ts'), ...stores, ...it.named], {
      env: { ...process.env, ...it.env },
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => first.on('close', resolve))
    await waitFor('its first write', () => it.proxy.state.hit !== '', 30_000)
    const second = await it.task('bootstrap', ...stores)
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringContaining(`\`just bootstrap\` is at work on the cluster (process ${first.pid})`),
    ])
    expect((await it.task('bootstrap', '--dry-run', ...stores)).code).toBe(0)
    expect((await it.task('status')).code).toBe(1)
    process.kill(first.pid!, 'SIGKILL')
    await ended
    expect(existsSync(lock)).toBe(true)
    it.proxy.back()
    const count = it.api.writes().length
    const four = await Promise.all([1, 2, 3, 4].map(() => it.task('bootstrap', ...stores)))
    for (const { code, stderr } of four)
      expect([code, stderr]).toEqual(code ? [1, expect.stringContaining('is at work')] : [0, expect.any(String)])
    expect(four.filter(({ code }) => code === 0).length).toBeGreaterThan(0)
    const paths = it.api
      .writes()
      .slice(count)
      .map(({ path }) => path)
    expect(paths.length).toBe(new Set(paths).size)
    expect(readdirSync(join(it.env.RAIBID_HOME, 'cluster'))).toEqual(['state.json'])
  })

  test('nobody reads what it says, or the terminal is closed', async () => {
    await using it = await world()
    const child = (args: string[]) =>
      spawn(process.execPath, [join(root, 'tasks/cluster/bootstrap.ts'), ...args], {
        env: { ...process.env, ...it.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    // closed in the middle, by SIGHUP, with nobody left to tell
    const hung = child([...stores, ...it.named])
    it.proxy.arm({
      ...{ nth: 2, when: 'after', cut: false },
      act: () => {
        hung.stdout.destroy()
        hung.stderr.destroy()
        process.kill(hung.pid!, 'SIGHUP')
      },
    })
    expect(await new Promise((resolve) => hung.on('close', resolve))).toBe(130)
    const state = JSON.parse(readFileSync(it.stateFile, 'utf8')) as { components: Record<string, object> }
    expect(state.components['namespaces']).toMatchObject({ state: 'failed', reason: 'interrupted' })
    expect(readdirSync(join(it.env.RAIBID_HOME, 'cluster'))).toEqual(['state.json'])
    // `| head -1`, of both
    const piped = child([...stores, '--json'])
    piped.stdout.destroy()
    piped.stderr.destroy()
    expect(await new Promise((resolve) => piped.on('close', resolve))).toBe(0)
    expect(it.api.get(redis)).toBeDefined()
    expect((await it.task('bootstrap', ...stores)).stderr).toContain('Nothing to do.')
  })

  test('what is known was written by a newer one: nobody touches it', async () => {
    await using it = await installed()
    const text = readFileSync(it.stateFile, 'utf8').replace('"version": 1', '"version": 2')
    writeFileSync(it.stateFile, text)
    const before = it.snapshot()
    for (const [verb, ...args] of [
      ['status'],
      ['bootstrap', ...stores],
      ['bootstrap', '--dry-run'],
      ['reconcile'],
      ['teardown', ...takeDown],
    ] as const) {
      const ran = await it.task(verb, ...args)
      expect([verb, ran.code, ran.stderr]).toEqual([
        verb,
        1,
        expect.stringMatching(/state.json was written by a newer raibid-ci \(version 2/),
      ])
    }
    expect([readFileSync(it.stateFile, 'utf8'), it.snapshot(), it.left()]).toEqual([text, before, ['state.json']])
  })

  test('what is known is damaged: whoever looks leaves it, and nobody installs k3s by mistake', async () => {
    await using it = await installed()
    const text = readFileSync(it.stateFile, 'utf8').slice(0, 40)
    writeFileSync(it.stateFile, text)
    const before = it.snapshot()
    for (const [verb, code, ...args] of [
      ['status', 1],
      ['bootstrap', 0, '--dry-run'],
      ['bootstrap', 2, ...stores],
    ] as const) {
      const ran = await it.task(verb, ...args)
      expect([verb, ran.code, ran.stderr]).toEqual([verb, code, expect.stringContaining('state.json is damaged')])
    }
    expect([readFileSync(it.stateFile, 'utf8'), it.left()]).toEqual([text, ['state.json']])
    const ran = await it.task('bootstrap', ...stores, ...it.named)
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Nothing to do.')])
    expect([it.snapshot(), readFileSync(`${it.stateFile}.damaged`, 'utf8')]).toEqual([before, text])
    expect(it.known()['redis']).toMatchObject({ state: 'healthy', wanted: true })
  })
})

const isRoot = process.getuid?.() === 0
const mayMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return isRoot
  } catch {
    return false
  }
})()

/** Another person, who must be able to read the repository and to run Node. */
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
const hasNobody = ((): boolean => {
  try {
    const check = ['sh', '-c', '"$0" -e 0 && test -r "$1"', process.execPath, join(root, 'tasks/cluster/status.ts')]
    execFileSync('setpriv', [...nobody, ...check], { stdio: 'ignore', cwd: '/' })
    return isRoot
  } catch {
    return false
  }
})()

test.skipIf(!hasNobody)(
  'a home that is root’s: another person is told whose it is, and not that nothing is installed',
  async () => {
    await using it = await installed()
    // outside this run's own folder, which is nobody else's
    const person = mkdtempSync(join(dirname(tmpdir()), 'raibid-nobody-'))
    chmodSync(person, 0o755)
    const home = join(person, 'raibid')
    execFileSync('cp', ['-a', it.env.RAIBID_HOME, home])
    execFileSync('chmod', ['-R', 'go-rwx', join(home, 'cluster')])
    chmodSync(home, 0o755)
    const as = (verb: string, ...args: string[]) =>
      execFileSync(
        'sh',
        [
          '-c',
          '"$@" 2>&1; echo "code $?"',
          'sh',
          'setpriv',
          ...nobody,
          process.execPath,
          join(root, `tasks/cluster/${verb}.ts`),
          ...args,
        ],
        {
          env: {
            ...process.env,
            ...it.env,
            HOME: person,
            RAIBID_HOME: home,
            TMPDIR: person,
            NODE_COMPILE_CACHE: join(person, 'c'),
          },
          encoding: 'utf8',
        },
      )
    for (const [verb, ...args] of [['status'], ['bootstrap', ...stores], ['reconcile'], ['teardown', ...takeDown]] as const)
      expect(as(verb, ...args)).toMatch(/state\.json can't be read: EACCES.*; see whose it is\ncode 1\n/)
    rmSync(person, { recursive: true })
  },
)

test.skipIf(!mayMount)('a disk that is full: status looks, nobody else begins, and what is known stays whole', async () => {
  await using it = await installed()
  it.drift()
  const before = it.snapshot()
  const script = `mount -t tmpfs -o size=128k none "$RAIBID_HOME" && cp -a "$KEPT/cluster" "$RAIBID_HOME" && head -c 900000 /dev/zero > "$RAIBID_HOME/fill"
    for verb in "status" "reconcile" "teardown ${takeDown.join(' ')}" "bootstrap ${stores.join(' ')}"; do set -- $verb; task=$1; shift; node "$TASKS/$task.ts" "$@"; echo "$task $?"; done
    cmp "$KEPT/cluster/state.json" "$RAIBID_HOME/cluster/state.json" && ls "$RAIBID_HOME/cluster"; rm "$RAIBID_HOME/fill"; node "$TASKS/reconcile.ts"; echo "then $?"`
  execFileSync('cp', ['-a', it.env.RAIBID_HOME, `${it.env.RAIBID_HOME}.kept`])
  const child = spawn('unshare', ['-m', 'sh', '-c', `exec 2>&1; ${script}`], {
    env: { ...process.env, ...it.env, TASKS: join(root, 'tasks/cluster'), KEPT: `${it.env.RAIBID_HOME}.kept` },
  })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
  await new Promise((resolve) => child.on('close', resolve))
  expect(told).toMatch(/redis +degraded[^]*\nstatus 1\n/)
  for (const verb of ['reconcile', 'teardown', 'bootstrap'])
    expect(told).toMatch(new RegExp(`cluster/lock can't be made: ENOSPC[^\\n]*; free some disk[^\\n]*\\n${verb} 1\\n`))
  expect(told).toMatch(/\nstate.json\n[^]*redis was repaired[^]*then 0\n/)
  expect(it.snapshot()).toEqual(before)
})

test.skipIf(!mayMount)(
  'a disk that gets full in the middle: the command that goes on, no lock, and with room it does',
  async () => {
    await using it = await world()
    const note = `${it.env.RAIBID_HOME}.pid`
    const command = `node "$TASK" ${[...stores, ...it.named].join(' ')}`
    const script = `mount -t tmpfs -o size=64k none "$RAIBID_HOME"; ${command} & echo $! > "$NOTE"; wait $!; echo "code $?"
    ls "$RAIBID_HOME/cluster"; rm "$RAIBID_HOME/fill"; ${command}; echo "then $?"`
    mkdirSync(it.env.RAIBID_HOME)
    const fill = (): void => {
      const inside = `/proc/${readFileSync(note, 'utf8').trim()}/root${it.env.RAIBID_HOME}/fill`
      const file = openSync(inside, 'w')
      try {
        for (;;) writeSync(file, Buffer.alloc(4096))
      } catch {
        closeSync(file)
      }
    }
    it.proxy.arm({ nth: 3, when: 'after', cut: false, act: fill })
    const child = spawn('unshare', ['-m', 'sh', '-c', `exec 2>&1; ${script}`], {
      env: { ...process.env, ...it.env, TASK: join(root, 'tasks/cluster/bootstrap.ts'), NOTE: note },
    })
    let told = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
    await new Promise((resolve) => child.on('close', resolve))
    expect(told).toMatch(
      /to go on: just bootstrap --only namespaces --only redis\n[^]*state.json can't be written: ENOSPC[^\n]*\ncode 1\nstate.json\n/,
    )
    expect(told).toMatch(/then 0\n/)
  },
)
