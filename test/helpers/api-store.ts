import type { KubeObject } from '#lib/cluster/object.ts'
import { fakeApi, status, type Answer, type Heard } from './fake-api.ts'

const kinds: Record<string, string[]> = {
  '/api/v1': [
    'Namespace',
    'Secret',
    'ConfigMap',
    'Service',
    'PersistentVolumeClaim',
    'LimitRange',
    'ResourceQuota',
    'ServiceAccount',
    'Pod',
    'Event',
    'Node',
  ],
  '/apis/apps/v1': ['Deployment', 'StatefulSet'],
  '/apis/networking.k8s.io/v1': ['NetworkPolicy'],
}
const global = ['Namespace', 'Node']
const pluralOf = (kind: string): string => (kind === 'NetworkPolicy' ? 'networkpolicies' : `${kind.toLowerCase()}s`)
const home = (one: { apiVersion: string }): string =>
  one.apiVersion.includes('/') ? `/apis/${one.apiVersion}` : `/api/${one.apiVersion}`
export const pathOf = ({ metadata: { namespace, name }, ...one }: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): string =>
  `${home(one)}${namespace ? `/namespaces/${namespace}` : ''}/${pluralOf(one.kind)}/${name}`

/**
 * An API server that keeps what is applied, and answers otherwise where the test says so. It has no controllers: nothing becomes ready by itself, unless `runs`
 * says that whatever makes pods has them at once.
 */
export async function apiStore(refuse: (heard: Heard) => Answer | undefined = () => undefined, { runs = false } = {}) {
  const objects = new Map<string, any>()
  const logs = new Map<string, string>()
  let version = 0
  const answer = (heard: Heard): Answer => {
    const { method, path, query, body } = heard
    const other = refuse(heard)
    if (other) return other
    const list = kinds[path]
    if (list)
      return { body: { resources: list.map((kind) => ({ name: pluralOf(kind), kind, namespaced: !global.includes(kind) })) } }
    if (path.endsWith('/log')) return (response) => void response.end(logs.get(path) ?? '')
    const there = objects.get(path)
    if (
      method === 'GET' &&
      Object.values(kinds)
        .flat()
        .some((kind) => path.endsWith(`/${pluralOf(kind)}`))
    ) {
      const items = [...objects].flatMap(([at, one]) => (at.startsWith(`${path}/`) ? [one] : []))
      return { body: { items, metadata: { resourceVersion: String(version) } } }
    }
    if (method === 'PATCH') {
      const made = {
        ...there,
        ...body,
        metadata: { uid: `${path}#${version}`, ...there?.metadata, ...body.metadata, resourceVersion: String(++version) },
      }
      if (runs && ['Deployment', 'StatefulSet'].includes(made.kind)) {
        const { replicas = 1 } = made.spec ?? {}
        made.status = { readyReplicas: replicas, updatedReplicas: replicas }
      }
      if (!query.get('dryRun')) objects.set(path, made)
      return { body: made }
    }
    if (method === 'DELETE' && there) objects.delete(path)
    return there ? { body: there } : status(404, 'NotFound', `${path} not found`)
  }
  const api = await fakeApi(answer)
  return {
    ...api,
    logs,
    put: (one: KubeObject | object): void => void objects.set(pathOf(one as KubeObject), one),
    get: (one: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): any => objects.get(pathOf(one)),
    all: (): any[] => [...objects.values()],
    drop: (one: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): void => void objects.delete(pathOf(one)),
    /** All that was written for good. */
    writes: (): Heard[] => api.heard.filter(({ method, query }) => method !== 'GET' && !query.get('dryRun')),
  }
}
