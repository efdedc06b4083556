/** An object of Kubernetes, as far as all of them are alike. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [key: string]: unknown
}

/** `StatefulSet infrastructure/redis`: how an object is called in messages. */
export const nameOf = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`

// What others need comes first: a namespace before what lies in it, configuration before who reads it.
const order = ['Namespace', 'LimitRange', 'ResourceQuota', 'NetworkPolicy', 'ServiceAccount', 'Role', 'RoleBinding', 'ConfigMap']
const last = ['Service', 'StatefulSet', 'Deployment', 'DaemonSet', 'TriggerAuthentication', 'ScaledJob']
const all = [...order, ...last]

/** In the order in which they may be applied; the same objects always in the same order. */
export function sorted(objects: readonly KubeObject[]): KubeObject[] {
  const rank = ({ kind }: KubeObject): number => (all.includes(kind) ? all.indexOf(kind) : order.length)
  return [...objects].sort((a, b) => rank(a) - rank(b) || (nameOf(a) < nameOf(b) ? -1 : 1))
}
