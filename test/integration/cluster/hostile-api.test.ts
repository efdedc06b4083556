import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openKube } from '#lib/cluster/kube.ts'
import { loadLogin } from '#lib/cluster/kubeconfig.ts'
import { transportTo } from '#lib/cluster/transport.ts'
import { kinds } from '#lib/cluster/types.ts'
import { watch } from '#lib/cluster/watch.ts'
import { fakeApi, kubeconfigFor, status, type Answer } from '#test/helpers/fake-api.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function kubeOver(answer: Parameters<typeof fakeApi>[0]) {
  const api = await fakeApi(answer)
  const kube = await openKube({ kubeconfig: api.kubeconfig })
  ends.push(kube.close, api.stop)
  return { api, kube }
}
const raw =
  (text: string, contentType = 'application/json'): Answer =>
  (response) =>
    void response.writeHead(200, { 'content-type': contentType, connection: 'close' }).end(text)
const pod = { ...kinds.pod, metadata: { name: 'a', namespace: 'ci' } }

test.each([
  ['a page that wants a login', raw('<html>Log in</html>', 'text/html')],
  ['nothing', raw('')],
  ['JSON that was cut', raw('{"metadata":{"na')],
  ['no object', raw('null')],
])('%s in place of an object is a server that can’t be reached', async (_, answer) => {
  const { kube, api } = await kubeOver(() => answer)
  for (const ask of [() => kube.get(pod), () => kube.list({ ...kinds.pod, namespace: 'ci' }), () => kube.patch(pod, {})]) {
    const error = await ask().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ exitCode: 3, message: expect.stringContaining(api.url) })
    expect((error as Error).message).toContain('what answers is no API server')
  }
})

test('a list whose items are null is empty', async () => {
  const { kube } = await kubeOver(() => ({ body: { metadata: { resourceVersion: '1' }, items: null } }))
  expect(await kube.list({ ...kinds.pod, namespace: 'ci' })).toEqual({ items: [], version: '1' })
})

test('a server that forgets each version at once is not asked in a loop', async () => {
  const { kube, api } = await kubeOver(({ query }) =>
    query.get('watch') ? status(410, 'Expired', 'too old') : { body: { metadata: { resourceVersion: '1' }, items: [] } },
  )
  const stop = new AbortController()
  const watching = watch(kube, { ...kinds.pod, namespace: 'ci' }, { full: () => {}, change: () => {} }, stop.signal)
  const watches = (): number => api.heard.filter(({ query }) => query.get('watch')).length
  await waitFor('it is asked again', () => watches() >= 3)
  const [before, since] = [watches(), Date.now()]
  await new Promise((resolve) => setTimeout(resolve, 1000))
  // a loop asks hundreds of times; a pause is at least a tenth of a second
  expect(watches() - before).toBeLessThanOrEqual((Date.now() - since) / 100)
  stop.abort()
  await watching
})

const folder = mkdtempSync(join(tmpdir(), 'raibid-hostile-'))
const secret = 'v3ry-secret'
let files = 0
function kubeconfig(change: (config: any) => void): string {
  const config = JSON.parse(kubeconfigFor('http://127.0.0.1:1')) as object
  change(config)
  const file = join(folder, `config-${++files}`)
  writeFileSync(file, JSON.stringify(config))
  return file
}
const plugin = (script: string) =>
  kubeconfig(({ users: [{ user }] }) => {
    delete user.token
    user.exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] }
  })

test('no error shows a secret: of a broken kubeconfig, of a URL, of what an exec plugin printed', async () => {
  const broken = join(folder, 'broken')
  writeFileSync(broken, `users:\n- user: { token: ${secret}\nx: [`)
  const said: string[] = []
  const url = kubeconfig(({ clusters: [{ cluster }] }) => (cluster.server = `http://admin:${secret}@127.0.0.1:1`))
  for (const file of [broken, url, plugin(`echo ${secret}`)]) {
    const kube = await openKube({ kubeconfig: file }).catch((error: Error) => void said.push(error.message))
    if (!kube) continue
    said.push(kube.server, await kube.get(pod).then(String, (error: Error) => error.message))
    kube.close()
  }
  expect(said.join('\n')).not.toContain(secret)
})

test('an exec plugin that never ends is no reason to wait for ever', async () => {
  const transport = transportTo(await loadLogin({ kubeconfig: plugin('exec sleep 20') }))
  const asked = transport.request({ method: 'GET', path: '/version', verb: 'get', what: 'its version', withinMs: 200 })
  await expect(asked).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining('no answer within 0.2 s') })
})
