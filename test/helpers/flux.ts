import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { cluster } from '#lib/contract.ts'
import { testKubeconfig } from './cluster.ts'
import { realGitea } from './real-gitea.ts'

/** A folder with Flux's own controllers for this machine, and the manifests that install it (`flux-install.yaml`). */
export const fluxFolder = process.env['RAIBID_TEST_FLUX'] ?? ''
const missing = [
  ...(testKubeconfig ? [] : ['RAIBID_TEST_KUBECONFIG']),
  ...(realGitea.url ? [] : ['RAIBID_TEST_GITEA, RAIBID_TEST_GITEA_TOKEN']),
  ...(fluxFolder ? [] : ['RAIBID_TEST_FLUX']),
]

/** Runs where there are an API server, a Gitea and Flux's controllers; else the tests are skipped, and their name says why. */
export const withFlux = (name: string, body: () => void): void =>
  void describe.skipIf(missing.length)(missing.length ? `${name} [skipped: ${missing.join(', ')} not set]` : name, body)

export const hasController = (name: string): boolean => existsSync(join(fluxFolder, name))

/** The cluster's name of Gitea, for a controller that is no pod: a proxy by which it is the real one. `away`: it answers nobody. */
export async function giteaByName() {
  const state = { away: false, asked: 0 }
  const to = new URL(realGitea.url || 'http://127.0.0.1')
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', `http://${cluster.giteaAddress}`)
    state.asked++
    if (url.host !== cluster.giteaAddress) return void outgoing.writeHead(502).end(`this test has no ${url.host}`)
    if (state.away) return void incoming.socket.destroy()
    const options = {
      host: to.hostname,
      port: to.port,
      path: url.pathname + url.search,
      method: incoming.method,
      headers: incoming.headers,
    }
    const forwarded = ask(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    state,
    close: (): void => {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Flux's real controllers, beside the cluster. Their kinds must be there. */
export async function startFlux(proxy: string) {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-flux-'))
  const said: string[] = []
  const storage = await freePort()
  const env = {
    ...process.env,
    KUBECONFIG: testKubeconfig,
    RUNTIME_NAMESPACE: cluster.flux,
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: '',
  }
  const start = async (name: string, ...args: string[]): Promise<ChildProcess> => {
    const ports = [await freePort(), await freePort()]
    const usual = [
      `--metrics-addr=127.0.0.1:${ports[0]}`,
      `--health-addr=127.0.0.1:${ports[1]}`,
      '--log-level=info',
      '--events-addr=',
    ]
    const child = spawn(join(fluxFolder, name), [...usual, ...args], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => said.push(`${name}: ${text}`))
    return child
  }
  const address = `127.0.0.1:${storage}`
  // who says what became of a commit, where it is installed
  const [events, receiver] = [await freePort(), await freePort()]
  const hears = hasController('notification-controller')
  const told = `--events-addr=${hears ? `http://127.0.0.1:${events}/` : ''}`
  const children = [
    await start(
      'source-controller',
      `--storage-path=${folder}`,
      `--storage-addr=${address}`,
      `--storage-adv-addr=${address}`,
      told,
    ),
    await start('kustomize-controller', '--requeue-dependency=2s', '--concurrent=4', told),
    ...(hears
      ? [await start('notification-controller', `--events-addr=127.0.0.1:${events}`, `--receiverAddr=127.0.0.1:${receiver}`)]
      : []),
  ]
  return {
    said: (): string => said.join(''),
    async stop(): Promise<void> {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
    },
  }
}
