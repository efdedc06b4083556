import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { files } from '#lib/contract.ts'
import { apiStore, pathOf } from './api-store.ts'
import { kubeconfigFor, type Answer, type Heard } from './fake-api.ts'
import { atEveryWrite, hows, type Interrupting } from './interrupted.ts'
import { runTask } from './run-process.ts'
import { writeProxy } from './write-proxy.ts'

/** An API server in which everything runs at once, a proxy before it, and a person. */
export async function world(refuse: (heard: Heard) => Answer | undefined = () => undefined) {
  const api = await apiStore((heard) => refuse(heard), { runs: true })
  const ready = [{ type: 'Ready', status: 'True' }]
  api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: { conditions: ready } })
  const theirs = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'theirs', namespace: 'default', uid: 'u' },
    data: { a: 'b' },
  }
  api.put(theirs)
  const proxy = await writeProxy({ url: api.url })
  // answers as Gitea does when it is well
  const gitea = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(gitea, 'listening')
  const person = mkdtempSync(join(tmpdir(), 'raibid-person-'))
  writeFileSync(join(person, 'config'), kubeconfigFor(proxy.url))
  const env = {
    ...{ HOME: person, RAIBID_HOME: join(person, 'raibid'), KUBECONFIG: '' },
    NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'),
    RAIBID_GITEA_URL: `http://127.0.0.1:${(gitea.address() as AddressInfo).port}`,
  }
  const snapshot = (): Map<string, string> =>
    new Map(api.all().map((one) => [pathOf(one), `${one.metadata.uid} ${JSON.stringify(one.kind === 'Secret' && one.data)}`]))
  return {
    ...{ api, proxy, env, snapshot, named: ['--kubeconfig', join(person, 'config')] },
    stateFile: join(env.RAIBID_HOME, files.clusterState),
    task: (verb: string, ...args: string[]) => runTask(`tasks/cluster/${verb}.ts`, args, { env }),
    interrupted: (verb: string, args: string[], own: Partial<Interrupting>) =>
      atEveryWrite({ verb, args, env, proxy, when: 'after', by: hows, snapshot, ...own }),
    async [Symbol.asyncDispose](): Promise<void> {
      gitea.close()
      await proxy.close()
      await api.stop()
    },
  }
}
