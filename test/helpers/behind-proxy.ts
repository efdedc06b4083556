import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Kube } from '#lib/cluster/kube.ts'
import type { KubeObject } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'
import { kubeconfigFor } from './fake-api.ts'
import { waitFor } from './wait-for.ts'
import { writeProxy } from './write-proxy.ts'

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[]
  users: { user: Record<string, string> }[]
}

/** A proxy before a real API server that is logged in to by certificate, and a person with a home of their own whose kubeconfig leads there. */
export async function personBehindProxy(kubeconfig: string) {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const [its, user] = [clusters[0]!.cluster, users[0]!.user]
  const text = (data?: string): string | undefined => (data ? Buffer.from(data, 'base64').toString() : undefined)
  const login = {
    ca: text(its['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  }
  const proxy = await writeProxy({ url: its['server']!, ...login })
  const person = mkdtempSync(join(tmpdir(), 'raibid-person-'))
  writeFileSync(join(person, 'config'), kubeconfigFor(proxy.url))
  const env = {
    ...{ HOME: person, RAIBID_HOME: join(person, 'raibid'), KUBECONFIG: '' },
    NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'),
  }
  return { proxy, person, env, named: ['--kubeconfig', join(person, 'config')] }
}

const kinds: readonly (readonly [string, string])[] = [
  ...['Secret', 'ConfigMap', 'Service', 'PersistentVolumeClaim', 'LimitRange', 'ResourceQuota', 'ServiceAccount'].map(
    (kind) => ['v1', kind] as const,
  ),
  ...['StatefulSet', 'Deployment'].map((kind) => ['apps/v1', kind] as const),
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['keda.sh/v1alpha1', 'ScaledJob'],
  ['keda.sh/v1alpha1', 'TriggerAuthentication'],
]

/** Every object of the namespaces by name, with its uid and what it keeps: the same afterwards, or it was made anew. */
export async function uids(kube: Kube, namespaces: readonly string[] = [cluster.namespace, cluster.infrastructure]) {
  const scopes = kinds.flatMap(([apiVersion, kind]) => namespaces.map((namespace) => ({ apiVersion, kind, namespace })))
  const lists = await Promise.all(scopes.map((scope) => kube.list<KubeObject & { data?: object }>(scope)))
  const all = lists.flatMap(({ items }) => items)
  return new Map(
    all.map(({ kind, metadata, data }) => [
      `${kind} ${metadata.namespace}/${metadata.name}`,
      `${metadata.uid} ${kind === 'Secret' ? JSON.stringify(data) : ''}`,
    ]),
  )
}

/** Takes away the namespaces with all that is in them; whoever plays the node has to be there. */
export async function noNamespaces(kube: Kube): Promise<void> {
  const all = [cluster.namespace, cluster.infrastructure, cluster.monitoring, cluster.flux].map((name) => ({
    ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  }))
  for (const one of all) await kube.remove(one)
  for (const one of all) await waitFor(`${one.metadata.name} to go`, async () => (await kube.get(one)) === null, 120_000)
}
