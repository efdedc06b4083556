/** What documents say to kubectl names objects that there are, and what they apply is valid. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { giteaSecrets } from '#lib/cluster/gitea-secrets.ts'
import { controllers } from '#lib/cluster/gitops/install.ts'
import { folders } from '#lib/cluster/gitops/sync.ts'
import { agentImage } from '#lib/cluster/pod-settings.ts'
import { redisSecrets } from '#lib/cluster/redis-secrets.ts'
import { at } from '#lib/cluster/k3s/files.ts'
import { ports } from '#lib/machine/judge.ts'
import { cluster } from '#lib/contract.ts'
import { documents, textOf, typed } from '#test/helpers/documents.ts'
import { rendered } from '#test/helpers/rendered.ts'

const objects: any[] = await rendered('spark', '{}')
const random = (size: number) => Buffer.alloc(size)
const { namespace, infrastructure, flux, keda } = cluster
const secrets = [
  ...[...redisSecrets({ random }), ...giteaSecrets({ random })].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  ...[cluster.serveSecret, cluster.agentSecret, cluster.buildSecrets].map((name) => `${namespace}/${name}`),
  `${cluster.infrastructure}/${cluster.giteaConsoleSecret}`,
  ...[flux, cluster.fluxStatusSecret, cluster.fluxReceiverSecret].map((name) => `${flux}/${name}`),
]
const workloads = [
  ...objects.map(({ kind, metadata }) => `${metadata.namespace} ${kind.toLowerCase()}/${metadata.name}`),
  ...controllers.map((name) => `${flux} deployment/${name}`),
  `${keda} deployment/keda-operator`,
]
const asked = typed.flatMap(({ file, text, words }) => (words[0] === 'kubectl' ? [[`${file}: ${text}`, words] as const] : []))

describe('kubectl', () => {
  test('is asked something', () => expect(asked.length).toBeGreaterThan(25))

  test.each(asked)('%s', (_, words) => {
    const place = words.includes('-n') ? words[words.indexOf('-n') + 1] : undefined
    for (const word of words.filter((one) => /^(?:deployment|statefulset|service|daemonset)\/\w/.test(one)))
      expect(workloads).toContain(`${place} ${word}`)
    const next = (...kinds: string[]): string | undefined => words[words.findIndex((one) => kinds.includes(one)) + 1]
    if (words.includes('secret') && !words.includes('create')) expect(secrets).toContain(`${place}/${next('secret')}`)
    if (words.includes('kustomization')) expect([flux, ...Object.keys(folders)]).toContain(next('kustomization'))
    if (words.includes('pvc')) expect(['data-redis-0', 'data-postgres-0', 'gitea']).toContain(next('pvc'))
  })
})

test.each(documents)('%s: the agents’ image has its name, Secrets are those that there are', (file) => {
  const text = textOf(file)
  const images = [agentImage(), agentImage('rust')]
  for (const [name] of text.matchAll(/localhost\/raibid-agent:[\w.-]*\w/g)) expect(images).toContain(name)
  const told = [...text.matchAll(/^\| `((?:ci|infrastructure|flux-system)\/[\w-]+)`/gm)].map(([, name]) => name!)
  if (file !== 'docs/gitops.md') expect(told.filter((name) => !secrets.includes(name))).toEqual([])
})

test('the pod that mends Redis’s file is valid, and runs the Redis that is rendered', async () => {
  const [, text] = /kubectl apply -f - <<'YAML'\n([^]*?)\n *YAML\n/.exec(textOf('docs/operations.md'))!
  const pod = parse(text!.replaceAll(/^ {2}/gm, ''))
  const { Pod } = await import('kubernetes-models/v1')
  expect(() => new Pod(pod).validate()).not.toThrow()
  const redis = objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === cluster.redis)
  const [container] = redis.spec.template.spec.containers
  expect(pod.metadata.namespace).toBe(infrastructure)
  expect(pod.spec.containers[0].image).toBe(container.image)
  expect(pod.spec.securityContext).toEqual(redis.spec.template.spec.securityContext)
  expect(pod.spec.containers[0].securityContext).toMatchObject({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  })
})

test('the runbook names the ports, and the folders of this machine', () => {
  const text = textOf('docs/bootstrap.md')
  const line = text.split('\n').find((one) => one.includes('**Ports** that must be free'))!
  expect(Object.keys(ports).filter((port) => !new RegExp(`\\b${port}\\b`).test(line))).toEqual([])
  const must = line.slice(0, line.indexOf(';'))
  expect(
    Object.keys(ports)
      .map(Number)
      .filter((port) => new RegExp(`\\b${port}\\b`).test(must) !== port > 6000),
  ).toEqual([])
  for (const folder of [at.volumes, at.downloads.replace('/k3s', ''), at.hosts]) expect(text).toContain(folder)
})
