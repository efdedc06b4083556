import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { components } from '#lib/cluster/components/index.ts'
import { fluxInstall } from '#lib/cluster/releases.ts'
import { inOrder } from '#lib/bootstrap/order.ts'
import { files } from '#lib/contract.ts'
import { fakeApi, status, type Answer, type Heard } from '#test/helpers/fake-api.ts'
import { fakeMachine, listening, spark } from '#test/helpers/machine.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { treeOf } from '#test/helpers/tree.ts'

const names = inOrder(components).map(({ name }) => name)
const here = () => mkdtempSync(join(tmpdir(), 'raibid-person-'))
let env: Record<string, string>
let root: string
let person: string
let api: Awaited<ReturnType<typeof fakeApi>> | undefined

beforeEach(() => {
  root = fakeMachine(spark).root
  person = here()
  mkdirSync(join(person, 'bin'))
  writeFileSync(join(person, 'bin/uname'), '#!/bin/sh\necho aarch64\n', { mode: 0o755 })
  env = {
    ...{
      HOME: person,
      RAIBID_HOME: join(person, 'raibid'),
      RAIBID_HOST_ROOT: root,
      KUBECONFIG: '',
      NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'),
    },
    PATH: `${join(person, 'bin')}:${process.env['PATH']}`,
  }
})
afterEach(async () => {
  await api?.stop()
  api = undefined
})

const task = (name: string, ...args: string[]) => runTask(`tasks/cluster/${name}.ts`, args, { env, cwd: person })

/** An API server with one node that is ready; the rest as the test says. */
async function cluster(answer: (heard: Heard) => Answer | undefined): Promise<string[]> {
  const node = { metadata: { name: 'n' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
  const kinds = (list: [string, string][]) => ({
    body: { resources: list.map(([name, kind]) => ({ name, kind, namespaced: kind !== 'Namespace' })) },
  })
  api = await fakeApi((heard) => {
    const own = answer(heard)
    if (own) return own
    if (heard.path === '/api/v1/nodes') return { body: { metadata: { resourceVersion: '1' }, items: [node] } }
    if (heard.path === '/api/v1')
      return kinds([
        ['limitranges', 'LimitRange'],
        ['resourcequotas', 'ResourceQuota'],
        ['configmaps', 'ConfigMap'],
        ['secrets', 'Secret'],
        ['services', 'Service'],
        ['persistentvolumeclaims', 'PersistentVolumeClaim'],
      ])
    if (heard.path === '/apis/networking.k8s.io/v1') return kinds([['networkpolicies', 'NetworkPolicy']])
    if (heard.path === '/apis/apps/v1')
      return kinds([
        ['statefulsets', 'StatefulSet'],
        ['deployments', 'Deployment'],
      ])
    return status(404, 'NotFound', `${heard.path} not found`)
  })
  // what is downloaded is known: nothing of it is asked for
  mkdirSync(join(person, 'raibid/cluster'), { recursive: true, mode: 0o700 })
  const pins = { images: {}, releases: { [fluxInstall]: `sha256:${'0'.repeat(64)}` } }
  writeFileSync(join(person, 'raibid', files.clusterPins), JSON.stringify(pins))
  return ['--kubeconfig', api.kubeconfig]
}

describe('bootstrap --dry-run on a bare machine', () => {
  test('is complete, and touches nothing', async () => {
    const before = [treeOf(root), treeOf(person)]
    const { code, stdout, stderr } = await task('bootstrap', '--dry-run', '--preset', 'team')
    expect([treeOf(root), treeOf(person)]).toEqual(before)
    expect([code, stderr]).toEqual([0, ''])
    for (const { title, name } of components) expect(stdout, name).toContain(`${title}: `)
    for (const path of [
      '/etc/rancher/k3s/config.yaml',
      '/etc/rancher/k3s/registries.yaml',
      '/etc/hosts',
      '/srv/raibid/volumes',
      `${person}/.kube/config`,
    ])
      expect(stdout).toContain(path)
    expect(stdout).toMatch(/team \* +default +\S.*2 cores, 4Gi +[1-9]\d? /)
  })

  test('as JSON, and with an exit code', async () => {
    const { code, stdout } = await task('bootstrap', '--dry-run', '--exit-code', '--json')
    const plan = JSON.parse(stdout) as {
      pending: number
      planned: { name: string; state: string; steps: string[] }[]
      capacity: object[]
    }
    expect([code, plan.planned.map(({ name }) => name)]).toEqual([1, names])
    expect(plan.planned.filter(({ state, steps }) => (state === 'healthy') !== (steps.length === 0))).toEqual([])
    expect(plan.capacity.length).toBe(4)
  })

  test('is true: what it says of files is what a run writes', async () => {
    const chosen = ['--only', 'k3s', '--skip', 'machine', '--skip', 'pins']
    const { stdout } = await task('bootstrap', '--dry-run', ...chosen)
    expect(stdout).toContain('/etc/rancher/k3s/config.yaml')
    // without pins the run stops before anything is downloaded
    const ran = await task('bootstrap', ...chosen)
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringMatching(/nobody recorded what https:[^]*to go on: just bootstrap --only k3s --skip machine --skip pins/),
    ])
    expect(readFileSync(join(root, 'etc/rancher/k3s/config.yaml'), 'utf8')).toContain('system-reserved=')
  })
})

describe('bootstrap', () => {
  test('stops at a machine that won’t do, with what to do and the command that goes on', async () => {
    writeFileSync(join(root, 'etc/resolv.conf'), '')
    const { code, stdout, stderr } = await task('bootstrap', '--json')
    expect([code, (JSON.parse(stdout) as { ok: boolean; next: string }).next]).toEqual([1, 'just bootstrap --from machine'])
    expect(stderr).toMatch(/✗ This machine, .*DNS/)
    expect(stderr).toContain('add one: images are looked up by the machine')
    const state = JSON.parse(readFileSync(join(env['RAIBID_HOME']!, files.clusterState), 'utf8')) as {
      components: Record<string, { state: string }>
    }
    expect(state.components['machine']!.state).toBe('failed')
  })

  test('a port that is taken: by whom, what for, and what to do', async () => {
    writeFileSync(join(root, 'proc/net/tcp'), `head\n${listening(6443)}`)
    const { code, stderr } = await task('bootstrap')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/taken: 6443 \(the API server\)[^]*ss -tlnp/)])
  })

  test('an account that may not: what it may not, and nothing after it', async () => {
    const named = await cluster(({ method, path }) =>
      method === 'PATCH' ? status(403, 'Forbidden', `${path} is forbidden: User "x" cannot patch`) : undefined,
    )
    const { code, stderr } = await task('bootstrap', ...named)
    expect(code).toBe(1)
    expect(stderr).toMatch(/namespaces: .*forbidden/i)
    expect(stderr).toContain('to go on: just bootstrap --from namespaces')
    expect(stderr).not.toContain('Redis, which holds the queue,')
  })

  test('an API server that goes away in the middle is named: exit 3', async () => {
    const named = await cluster(({ method }) => (method === 'PATCH' ? (response) => response.destroy() : undefined))
    const { code, stderr } = await task('bootstrap', ...named)
    expect([code, stderr]).toEqual([3, expect.stringContaining(`cannot reach Kubernetes at ${api!.url}`)])
    // it is remembered which cluster it was
    const again = await task('bootstrap', '--from', 'namespaces')
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining(api!.url)])
  })

  test('no cluster at all where one was named: exit 3', async () => {
    const [, kubeconfig] = await cluster(() => undefined)
    await api!.stop()
    const { code, stderr } = await task('bootstrap', '--kubeconfig', kubeconfig!, '--skip', 'machine')
    expect([code, stderr]).toEqual([3, expect.stringContaining('cannot reach Kubernetes')])
  })

  test('Ctrl-C while it waits: exit 130, the way on, and the lock is given back', async () => {
    const named = await cluster(({ method }) => (method === 'PATCH' ? () => process.kill(child.pid!, 'SIGINT') : undefined))
    const child: { pid?: number | undefined } = {}
    const { spawn } = await import('node:child_process')
    const running = spawn(process.execPath, [join(import.meta.dirname, '../../../tasks/cluster/bootstrap.ts'), ...named], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.pid = running.pid
    let stderr = ''
    running.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const code = await new Promise((resolve) => running.on('close', resolve))
    expect([code, stderr]).toEqual([
      130,
      expect.stringContaining('What was begun is taken up by: just bootstrap --from namespaces'),
    ])
    const state = JSON.parse(readFileSync(join(env['RAIBID_HOME']!, files.clusterState), 'utf8')) as {
      components: Record<string, object>
    }
    expect(state.components['namespaces']).toMatchObject({ state: 'failed', reason: 'interrupted' })
    await api!.stop()
    expect((await task('bootstrap')).stderr).not.toContain('is at work on the cluster')
  })

  test('wrong usage is said in one sentence', async () => {
    expect((await task('bootstrap', '--only', 'redsi')).stderr).toContain(
      '--only: there is no component "redsi"; did you mean redis?',
    )
    expect((await task('bootstrap', '--context', 'x')).code).toBe(2)
    expect((await task('bootstrap', '--mirror', 'x')).code).toBe(2)
    expect((await task('bootstrap', '--exit-code')).code).toBe(2)
    expect((await task('bootstrap', '--kubeconfig', '/nowhere')).code).toBe(2)
  })
})

test('status: every component, and exit code 1 while something is missing', async () => {
  const { code, stdout } = await task('status', '--json')
  const told = JSON.parse(stdout) as { healthy: boolean; components: { name: string; state: string }[] }
  expect([code, told.healthy, told.components.map(({ name }) => name)]).toEqual([1, false, names])
  expect(told.components.filter(({ state }) => state !== 'absent').map(({ name }) => name)).toEqual(['machine'])
  const text = await task('status')
  expect([text.code, text.stdout.split('\n').length > names.length]).toEqual([1, true])
})

test('status of an API server that is gone says so of each, and ends', async () => {
  const named = await cluster(() => undefined)
  await api!.stop()
  const { code, stdout } = await task('status', '--json', ...named)
  const { components: rows } = JSON.parse(stdout) as { components: { name: string; state: string; reason: string }[] }
  expect([code, rows.filter(({ state }) => state === 'degraded').map(({ name }) => name)]).toEqual([
    1,
    // what is of this machine needs no API server to be looked at
    names.filter((name) => !['machine', 'pins', 'access'].includes(name)),
  ])
  expect(rows[2]!.reason).toContain(api!.url)
})

test('reconcile installs nothing on a machine where nothing was installed', async () => {
  const before = treeOf(root)
  const { code, stderr } = await task('reconcile')
  expect([code, treeOf(root)]).toEqual([0, before])
  expect(stderr).toContain('Everything that was installed is well.')
  expect((await task('reconcile', '--once', '--watch')).code).toBe(2)
})

test.each([
  ['deploy-redis', 'redis'],
  ['deploy-gitea', 'gitea-setup'],
  ['deploy-flux', 'flux'],
  ['deploy-keda', 'keda'],
])('%s plans that component, and nothing after it', async (recipe, name) => {
  const { code, stdout } = await task(recipe, '--dry-run', '--json')
  const { planned } = JSON.parse(stdout) as { planned: { name: string; state: string }[] }
  const chosen = planned.filter(({ state }) => state !== 'skipped').map((one) => one.name)
  expect([code, chosen.at(-1)]).toEqual([0, name])
})

describe('teardown', () => {
  test('of nothing', async () => {
    const { code, stderr } = await task('teardown', '--yes')
    expect([code, stderr]).toEqual([0, expect.stringContaining('There was nothing to remove.')])
  })

  test('names what is lost, and asks twice', async () => {
    const there = ({ path, method }: Heard): Answer | undefined =>
      method === 'GET' && /\/(namespaces|statefulsets|persistentvolumeclaims|deployments)\/\w+$/.test(path)
        ? { body: { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', uid: 'u' } } }
        : undefined
    const named = await cluster(there)
    const dry = await task('teardown', '--dry-run', '--json', ...named)
    const plan = JSON.parse(dry.stdout) as { removes: string[]; loses: { name: string; what: string }[] }
    expect([dry.code, plan.removes.includes('k3s'), plan.loses.length > 0]).toEqual([0, false, true])
    for (const { name, what } of plan.loses) expect(what.length, name).toBeGreaterThan(10)
    expect(await task('teardown', ...named)).toMatchObject({ code: 1, stderr: expect.stringContaining('give --yes') })
    expect(await task('teardown', '--yes', ...named)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('add --i-mean fake'),
    })
    expect(await task('teardown', '--yes', '--i-mean', 'other', ...named)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is called "fake"'),
    })
    expect(api!.heard.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})

describe('config', () => {
  test('init writes the example once, validate and show take it', async () => {
    env['RAIBID_CONFIG'] = join(person, 'raibid.yaml')
    expect((await task('config', 'init')).code).toBe(0)
    expect(await task('config', 'init')).toMatchObject({ code: 1, stderr: expect.stringContaining('stays as it is') })
    expect((await task('config', 'validate')).code).toBe(0)
    const { code, stdout } = await task('config', 'show', '--json', '--preset', 'beast')
    expect([code, stdout.includes('hooks.example/raibid'), stdout.includes('https://hooks.example/***')]).toEqual([
      0,
      false,
      true,
    ])
    expect((JSON.parse(stdout) as { config: { cluster: { preset: string } } }).config.cluster.preset).toBe('beast')
  })

  test('validate names file, line and key', async () => {
    env['RAIBID_CONFIG'] = join(person, 'raibid.yaml')
    writeFileSync(env['RAIBID_CONFIG'], 'pools:\n  default:\n    max: zero\n')
    expect(await task('config', 'validate')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/raibid.yaml:3: pools.default.max/),
    })
    expect((await task('config', 'dance')).code).toBe(2)
  })
})

test('diagnose: one file for its owner, complete, without secrets, and never over another file', async () => {
  env['RAIBID_CONFIG'] = join(person, 'raibid.yaml')
  env['RAIBID_NOTIFY_URL'] = 'https://hooks.example/T0PSECRET'
  env['RAIBID_GIT_CREDENTIALS'] = 'git.example\tme\tgitsecret1'
  writeFileSync(
    env['RAIBID_CONFIG'],
    'redisUrl: redis://app:redissecret@redis:6379\npools: { default: { max: 1, env: { API: podsecret1 } } }\n',
  )
  const named = await cluster(({ path }) =>
    path === '/api/v1/events'
      ? {
          body: {
            metadata: {},
            items: [
              {
                metadata: { name: 'e' },
                type: 'Warning',
                reason: 'Failed',
                message: 'login with gitsecret1 and password: eventsecret',
              },
            ],
          },
        }
      : undefined,
  )
  const out = join(person, 'd.tar.gz')
  const { code, stdout } = await task('diagnose', '--out', out, ...named)
  expect([code, stdout.trim(), statSync(out).mode & 0o777]).toEqual([0, out, 0o600])
  const folder = here()
  execFileSync('tar', ['xzf', out, '-C', folder])
  const all = Object.keys(treeOf(folder)).filter((path) => /\.\w+$/.test(path))
  expect(all).toEqual(
    expect.arrayContaining(['/status.json', '/state.json', '/config.json', '/machine.json', '/events.txt', '/logs/k3s.log']),
  )
  const text = all.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n')
  for (const secret of ['T0PSECRET', 'gitsecret1', 'redissecret', 'podsecret1', 'eventsecret', 'token-of-fake'])
    expect(text, secret).not.toContain(secret)
  expect(readFileSync(join(folder, 'events.txt'), 'utf8')).toContain('Warning Failed: login with ***')
  expect(await task('diagnose', '--out', out, ...named)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('name another with --out'),
  })
})

test('logs and credentials say what there is', async () => {
  writeFileSync(join(person, 'bin/journalctl'), '#!/bin/sh\necho "line of k3s"\necho "-- cursor: s=1"\n', { mode: 0o755 })
  expect(await task('logs', 'k3s', '--tail', '3')).toMatchObject({ code: 0, stdout: 'line of k3s\n' })
  expect(await task('logs', 'moon')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"moon" is no component with a log'),
  })
  const named = await cluster(() => undefined)
  const { code, stdout } = await task('credentials', '--json', ...named)
  expect([code, (JSON.parse(stdout) as { component: string }[]).map(({ component }) => component)]).toEqual([
    0,
    expect.arrayContaining(['k3s']),
  ])
})
