import { describe, expect, test } from 'vitest'
import type { KubeObject } from '#lib/cluster/object.ts'
import { podOf } from '#lib/cluster/requests.ts'
import { cluster } from '#lib/contract.ts'
import { pick, rendered } from '#test/helpers/rendered.ts'

const objects = await rendered('spark', 'pools: { default: { max: 2 }, gpu: { max: 1 } }')
const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy') as any[]
/** The labels of every pod that there can be, by namespace; and of those that somebody else puts there. */
const ours = objects.filter(podOf).map((one: KubeObject) => {
  const { template, jobTargetRef } = one['spec'] as any
  return { namespace: one.metadata.namespace!, labels: (template ?? jobTargetRef.template).metadata.labels }
})
const pods = [
  ...ours,
  { namespace: cluster.keda, labels: cluster.kedaOperator },
  { namespace: cluster.flux, labels: { app: 'notification-controller' } },
  { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
]

function selects(selector: any, labels: Record<string, string>): boolean {
  const named = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return named && (selector?.matchExpressions ?? []).every(({ key, values }: any) => values.includes(labels[key]))
}
const matches = (peer: any, own: string): boolean =>
  pods.some(({ namespace, labels }) => {
    const there = peer.namespaceSelector
      ? selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': namespace })
      : namespace === own
    return there && selects(peer.podSelector, labels)
  })

describe('who may talk to whom', () => {
  test.each([cluster.namespace, cluster.infrastructure])('in %s nobody, unless it is named', (namespace) => {
    const deny = policies.find(({ metadata }) => metadata.namespace === namespace && metadata.name === 'default-deny')
    expect(deny.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  })

  test.each(policies.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]))(
    '%s selects pods that exist',
    (_, { metadata, spec }) => {
      expect(matches({ podSelector: spec.podSelector }, metadata.namespace)).toBe(true)
      const peers = [
        ...(spec.egress ?? []).flatMap(({ to = [] }: any) => to),
        ...(spec.ingress ?? []).flatMap(({ from = [] }: any) => from),
      ]
      for (const peer of peers)
        expect(peer.ipBlock !== undefined || matches(peer, metadata.namespace), JSON.stringify(peer)).toBe(true)
    },
  )

  test('every one of our pods is named by a policy besides default-deny', () => {
    const named = policies.filter(({ metadata }) => metadata.name !== 'default-deny')
    const namespaces: string[] = [cluster.namespace, cluster.infrastructure]
    const without = ours.filter(
      ({ namespace, labels }) =>
        namespaces.includes(namespace) &&
        !named.some((one) => one.metadata.namespace === namespace && selects(one.spec.podSelector, labels)),
    )
    expect(without).toEqual([])
  })

  test('agents reach neither the cluster, nor metadata, nor the ports of API server and kubelet', () => {
    const blocks = pick(objects, 'NetworkPolicy', 'agent').spec.egress.filter(({ to }: any) =>
      to.some(({ ipBlock }: any) => ipBlock),
    )
    expect(blocks).toHaveLength(1)
    expect(blocks[0].to[0].ipBlock.except).toEqual(['10.42.0.0/16', '10.43.0.0/16', '169.254.0.0/16'])
    expect(blocks[0].ports.map(({ port }: any) => port)).toEqual([22, 80, 443])
  })

  test('serve hears Gitea and who is outside on its port, and no agent', () => {
    const { ingress, egress } = pick(objects, 'NetworkPolicy', cluster.serve).spec
    const [outside] = ingress[0].from.splice(1)
    // k3s's pods and Services
    expect(outside).toEqual({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.42.0.0/16', '10.43.0.0/16'] } })
    const from = (namespace: string, labels: object) =>
      ingress.some(({ from }: any) =>
        from.some(
          (peer: any) =>
            selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': namespace }) &&
            selects(peer.podSelector, labels as Record<string, string>),
        ),
      )
    expect(ingress.map(({ ports }: any) => ports)).toEqual([[{ port: cluster.servePort }]])
    expect(from(cluster.infrastructure, { [cluster.nameLabel]: cluster.gitea })).toBe(true)
    const others = ours.filter(({ labels }) => labels[cluster.nameLabel] !== cluster.gitea)
    expect(others.filter(({ namespace, labels }) => from(namespace, labels))).toEqual([])
    expect(egress).toContainEqual(expect.objectContaining({ to: ingress[0].from, ports: [{ port: cluster.giteaPort }] }))
  })
})

describe('who may do what', () => {
  test('serve does just this, in its namespace; beyond it, it may look at a node', () => {
    expect(pick(objects, 'ClusterRole', 'raibid-serve').rules).toEqual([
      { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
    ])
    expect(pick(objects, 'Role', 'serve').rules).toEqual([
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'delete'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
      { apiGroups: ['keda.sh'], resources: ['scaledjobs'], verbs: ['get', 'list', 'watch', 'patch'] },
    ])
  })

  test('nothing else is granted to anyone, and agents have no token', () => {
    const grants = objects.map(({ kind }) => kind).filter((kind) => /Role/.test(kind))
    expect(grants.toSorted()).toEqual(['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'])
    const subjects = [{ kind: 'ServiceAccount', name: cluster.serve, namespace: cluster.namespace }]
    expect(pick(objects, 'RoleBinding', 'serve')).toMatchObject({ roleRef: { kind: 'Role', name: 'serve' }, subjects })
    expect(pick(objects, 'ClusterRoleBinding', 'raibid-serve')).toMatchObject({
      roleRef: { kind: 'ClusterRole', name: 'raibid-serve' },
      subjects,
    })
    expect(pick(objects, 'ServiceAccount', cluster.agentServiceAccount).automountServiceAccountToken).toBe(false)
  })
})
