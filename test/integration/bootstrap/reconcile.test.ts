import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { emptyState, writeState } from '#lib/bootstrap/state.ts'
import { move } from '#lib/bootstrap/transitions.ts'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { notify } from '#lib/bootstrap/notify.ts'
import { files } from '#lib/contract.ts'
import { root } from '#lib/config.ts'
import { kubeconfigFor } from '#test/helpers/fake-api.ts'
import { fakeMachine, spark } from '#test/helpers/machine.ts'
import { runTask } from '#test/helpers/run-process.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

/** A place for notices that remembers them. */
async function webhook(code = 200) {
  const heard: { text: string; component: string; state: string; reason: string }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (piece) => (text += piece))
    request.on('end', () => {
      heard.push(JSON.parse(text) as (typeof heard)[number])
      response.writeHead(code).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/T0KEN`, stop: () => server.close() }
}
const notice = { component: 'redis', state: 'needs-human', reason: '5 repairs failed: redis://app:s3cretpass@redis' } as const

describe('a notice', () => {
  test('goes to the log and to the webhook, without secrets', async () => {
    const [{ heard, url, stop }, told] = [await webhook(), [] as string[]]
    await notify(notice, { webhook: url, tell: (text) => told.push(text) })
    stop()
    expect(heard).toMatchObject([
      { component: 'redis', state: 'needs-human', text: expect.stringContaining('redis needs a person') },
    ])
    expect(JSON.stringify([heard, told])).not.toContain('s3cretpass')
    expect(told.length).toBe(1)
  })

  test('that can’t be delivered is said, without the address, and ends nothing', async () => {
    const [{ url, stop }, told] = [await webhook(500), [] as string[]]
    await notify(notice, { webhook: url, tell: (text) => told.push(text) })
    stop()
    await notify(notice, { webhook: url, tell: (text) => told.push(text) })
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    await notify(notice, { webhook: `http://127.0.0.1:${port}/T0KEN`, tell: (text) => told.push(text), withinMs: 50 })
    silent.closeAllConnections()
    silent.close()
    expect(
      told
        .filter((text) => text.includes('nobody was told by it'))
        .map((text) => /answers 500|nothing listens|no answer/.exec(text)?.[0]),
    ).toEqual(['answers 500', 'nothing listens', 'no answer'])
    expect(told.join()).not.toContain('T0KEN')
  })
})

function installed(changes: Record<string, string> = {}) {
  const person = mkdtempSync(join(tmpdir(), 'raibid-person-'))
  mkdirSync(join(person, 'bin'))
  writeFileSync(join(person, 'bin/uname'), '#!/bin/sh\necho aarch64\n', { mode: 0o755 })
  const home = join(person, 'raibid')
  // the machine was well once
  writeState(home, move(emptyState(), 'machine', 'healthy', 1))
  const env = {
    HOME: person,
    RAIBID_HOME: home,
    RAIBID_HOST_ROOT: fakeMachine({ ...spark, ...changes }).root,
    KUBECONFIG: '',
    PATH: `${join(person, 'bin')}:${process.env['PATH']}`,
  }
  return {
    home,
    env,
    state: () =>
      JSON.parse(readFileSync(join(home, files.clusterState), 'utf8')) as {
        components: Record<string, { state: string; failures: number }>
      },
  }
}

test('reconcile tries, waits, and calls a person in the end, over many processes', async () => {
  const { heard, url, stop } = await webhook()
  const { env, home, state } = installed({ '/etc/resolv.conf': '' })
  const turn = () => runTask('tasks/cluster/reconcile.ts', ['--json'], { env: { ...env, RAIBID_NOTIFY_URL: url } })
  const first = await turn()
  expect([first.code, (JSON.parse(first.stdout) as { did: string }[])[0]!.did]).toEqual([1, 'failed'])
  expect((JSON.parse((await turn()).stdout) as { what: string }[])[0]!.what).toBe('later')
  // four more have failed, and the wait is over
  const known = state()
  writeFileSync(
    join(home, files.clusterState),
    JSON.stringify({ ...known, components: { machine: { ...known.components['machine'], failures: 5, notBefore: 0 } } }),
  )
  expect((JSON.parse((await turn()).stdout) as { did: string }[])[0]!.did).toBe('called')
  expect((JSON.parse((await turn()).stdout) as { what: string }[])[0]!.what).toBe('waits for a person')
  stop()
  expect(heard).toMatchObject([{ component: 'machine', state: 'needs-human' }])
  expect(state().components['machine']!.state).toBe('needs-human')
  const { stdout } = await runTask('tasks/cluster/status.ts', [], { env })
  expect(stdout).toMatch(/machine +needs-human/)
})

test('reconcile --watch goes on while another verb is at work, and ends by Ctrl-C with 130', async () => {
  const { env, home } = installed()
  const child = spawn(process.execPath, [join(root, 'tasks/cluster/reconcile.ts'), '--watch', '--every', '100ms'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const { lockCluster } = await import('#lib/bootstrap/lock.ts')
  const release = await waitFor('the lock', () => {
    try {
      return lockCluster(home, 'bootstrap')
    } catch {
      return null
    }
  })
  await waitFor('what it says', () => stderr.includes('`just bootstrap` is at work'))
  release()
  child.kill('SIGINT')
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(130)
  expect(existsSync(join(home, files.clusterLock))).toBe(false)
})

test.skipIf(process.getuid?.() !== 0)('under sudo what is made in a person’s folders is the person’s', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-sudo-'))
  giveBack([folder, join(folder, 'none')], { SUDO_UID: '4321', SUDO_GID: '4322' })
  expect([statSync(folder).uid, statSync(folder).gid]).toEqual([4321, 4322])
  giveBack([folder], { SUDO_UID: '1', SUDO_GID: '1' })
  expect(statSync(folder).uid).toBe(4321)
})

const mounts = (): boolean => {
  try {
    execFileSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k none /mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.skipIf(!mounts())('a disk that is full, for real: named, and with room the same command goes on', async () => {
  const { env, home } = installed()
  // how full this machine's own disk is doesn't matter here
  writeFileSync(join(env.HOME, 'config'), kubeconfigFor('http://127.0.0.1:1'))
  const script = `mount -t tmpfs -o size=64k none "$RAIBID_HOME" && head -c 200000 /dev/zero > "$RAIBID_HOME/fill"; mkdir -p "$RAIBID_HOME/cluster"
    node "$TASK" --only machine --kubeconfig "$HOME/config"; echo "code $?"; rm "$RAIBID_HOME/fill"; node "$TASK" --only machine --kubeconfig "$HOME/config"; echo "code $?"`
  const told = execFileSync('unshare', ['-m', 'sh', '-c', `exec 2>&1; ${script}`], {
    env: {
      ...process.env,
      ...env,
      TASK: join(root, 'tasks/cluster/bootstrap.ts'),
      NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'),
      RAIBID_HOME: home,
    },
    encoding: 'utf8',
  })
  expect(told).toMatch(/(ENOSPC|no space)[^]*code 1\n[^]*code 0\n/)
})
