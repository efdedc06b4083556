import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Kube } from '#lib/cluster/kube.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { rendered } from './rendered.ts'
import { waitFor } from './wait-for.ts'

interface Kubeconfig {
  clusters: unknown[]
  contexts: { name: string; context: object }[]
  users: unknown[]
}

/**
 * Gives `serve` in this namespace just what its manifests give it, and a kubeconfig with which it is no more than that. Gives the path, and what
 * removes the grants that are not of the namespace.
 */
export async function serveAccount(kube: Kube, admin: string, namespace: string, folder: string) {
  const objects = (await rendered('dev', 'pools: { default: { max: 1 } }')).filter(
    ({ kind, metadata }) => /Role/.test(kind) || (kind === 'ServiceAccount' && metadata.name === cluster.serve),
  )
  const own = objects.map((one) => inNamespace(one as KubeObject, namespace))
  for (const one of own) await kube.apply(one)
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token' },
    metadata: { name: 'serve-token', namespace, annotations: { 'kubernetes.io/service-account.name': cluster.serve } },
  }
  await kube.apply(secret)
  const token = await waitFor('the token of serve', async () => {
    const { data } = (await kube.get(secret)) as { data?: { token?: string } }
    return data?.token ? Buffer.from(data.token, 'base64').toString() : null
  })
  const { clusters, contexts } = parse(readFileSync(admin, 'utf8')) as Kubeconfig
  const users = [{ name: 'serve', user: { token } }]
  const mine = contexts.map(({ name, context }) => ({ name, context: { ...context, user: 'serve' } }))
  const path = join(folder, 'kubeconfig')
  const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts: mine, 'current-context': mine[0]!.name }
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
  const remove = async (): Promise<void> => {
    for (const one of own) if (/^ClusterRole/.test(one.kind)) await kube.remove(one).catch(() => {})
  }
  return { path, remove }
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  const text = JSON.stringify(object).replaceAll(`"namespace":"${cluster.namespace}"`, `"namespace":"${namespace}"`)
  // what is not of a namespace has a name of its own for each test
  return JSON.parse(
    object.kind.startsWith('Cluster') ? text.replaceAll('"raibid-serve"', `"raibid-serve-${namespace}"`) : text,
  ) as KubeObject
}
