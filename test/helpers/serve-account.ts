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
  const token = await tokenOf(kube, { name: cluster.serve, namespace })
  const { path } = writeKubeconfig(admin, token, join(folder, 'kubeconfig'))
  const remove = async (): Promise<void> => {
    for (const one of own) if (/^ClusterRole/.test(one.kind)) await kube.remove(one).catch(() => {})
  }
  return { path, remove }
}

/** An account that may look at everything and change nothing. */
export async function viewer(kube: Kube, admin: string, folder: string) {
  const metadata = { name: 'test-viewer', namespace: 'default' }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata }
  const rbac = 'rbac.authorization.k8s.io'
  const role = {
    ...{ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: metadata.name } },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
  }
  const binding = {
    ...{ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: metadata.name } },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', ...metadata }],
  }
  for (const one of [account, role, binding]) await kube.apply(one as KubeObject)
  const token = await tokenOf(kube, metadata)
  return {
    ...writeKubeconfig(admin, token, join(folder, 'viewer')),
    async remove(): Promise<void> {
      for (const one of [binding, role, account]) await kube.remove(one)
    },
  }
}

/** A token of a service account, kept in a Secret that goes with it. */
async function tokenOf(kube: Kube, { name, namespace }: { name: string; namespace: string }): Promise<string> {
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token' },
    metadata: { name: `${name}-token`, namespace, annotations: { 'kubernetes.io/service-account.name': name } },
  }
  await kube.apply(secret)
  return await waitFor(`the token of ${name}`, async () => {
    const { data } = (await kube.get(secret)) as { data?: { token?: string } }
    return data?.token ? Buffer.from(data.token, 'base64').toString() : null
  })
}

/** An administrator's kubeconfig, with that token instead. */
function writeKubeconfig(admin: string, token: string, path: string): { path: string; context: string } {
  const { clusters, contexts } = parse(readFileSync(admin, 'utf8')) as Kubeconfig
  const mine = contexts.map(({ name, context }) => ({ name, context: { ...context, user: 'account' } }))
  const context = mine[0]!.name
  const users = [{ name: 'account', user: { token } }]
  const config = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts: mine, 'current-context': context }
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
  return { path, context }
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  const text = JSON.stringify(object).replaceAll(`"namespace":"${cluster.namespace}"`, `"namespace":"${namespace}"`)
  // what is not of a namespace has a name of its own for each test
  return JSON.parse(
    object.kind.startsWith('Cluster') ? text.replaceAll('"raibid-serve"', `"raibid-serve-${namespace}"`) : text,
  ) as KubeObject
}
