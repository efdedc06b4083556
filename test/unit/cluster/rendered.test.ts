import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nameOf, type KubeObject } from '#lib/cluster/object.ts'
import { withConfigDigests } from '#lib/cluster/config-digest.ts'
import { asFiles, asYaml } from '#lib/cluster/render.ts'
import { containersOf, podOf } from '#lib/cluster/requests.ts'
import { root } from '#lib/config.ts'
import { parseArgs } from '#lib/cli/args.ts'
import { cluster, env, routes, serveNodeFlags } from '#lib/contract.ts'
import { spec as serveSpec } from '../../../tasks/pool/serve.ts'
import { pick, rendered } from '#test/helpers/rendered.ts'

const example = readFileSync(join(root, 'raibid.example.yaml'), 'utf8')
const minimal = 'pools: { default: { max: 2 } }'
const sets = await Promise.all(
  (['spark', 'dev'] as const).flatMap((overlay) =>
    [minimal, example].map(
      async (text) =>
        [`${overlay}, ${text === example ? 'the example' : 'nothing'} configured`, await rendered(overlay, text)] as const,
    ),
  ),
)
const schemas: Record<string, string> = { 'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1' }
const podMakers = (objects: KubeObject[]): any[] => objects.filter(podOf)
/** Kubelet's socket belongs to root (components/gpu). */
const isPrivileged = (one: KubeObject) => one.kind === 'DaemonSet'

describe.each(sets)('%s', (_, objects) => {
  test.each(objects.map((one) => [nameOf(one), one] as const))('%s is valid by its schema', async (_name, one) => {
    const models = (await import(schemas[one.apiVersion] ?? `kubernetes-models/${one.apiVersion}`)) as any
    const Model = models[one.kind]
    expect(Model, `${one.apiVersion} ${one.kind} is known`).toBeTypeOf('function')
    expect(() => new Model(one).validate()).not.toThrow()
  })

  test('the same again is the same text', async () => {
    expect(asYaml(objects)).toBe(asYaml(structuredClone([...objects])))
    expect(asYaml(objects)).not.toMatch(/[&*]a\d/)
    expect(Object.keys(asFiles(objects))).toHaveLength(objects.length + 1)
  })

  test.each(podMakers(objects).map((one) => [nameOf(one), one] as const))(
    '%s: a fixed image, resources, no privilege',
    (_name, one) => {
      const pod = podOf(one) as any
      expect(pod.automountServiceAccountToken).toBe(nameOf(one) === 'Deployment ci/serve')
      for (const container of containersOf(one) as any[]) {
        expect(container.image).toMatch(/:[^/]+$/)
        expect(container.image).not.toMatch(/:latest$/)
        expect(container.resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
        expect(container.resources.limits.memory).toBeTypeOf('string')
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
      if (isPrivileged(one)) return
      // What PodSecurity `restricted` asks for, besides.
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      const kinds = pod.volumes.flatMap((volume: object) => Object.keys(volume)).filter((key: string) => key !== 'name')
      expect(
        kinds.filter((kind: string) => !['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim'].includes(kind)),
      ).toEqual([])
    },
  )

  test('everything that is named is there: configuration, accounts, services, secrets of the contract', () => {
    const has = (kind: string, namespace: string, name: string) =>
      objects.some((one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name)
    const { redisAclSecret, redisAppSecret, redisKedaSecret, agentSecret, serveSecret } = cluster
    const { giteaAdminSecret, giteaDatabaseSecret, giteaSecret } = cluster
    const secrets: string[] = [
      redisAclSecret,
      redisAppSecret,
      redisKedaSecret,
      agentSecret,
      serveSecret,
      giteaAdminSecret,
      giteaDatabaseSecret,
      giteaSecret,
    ]
    for (const one of podMakers(objects)) {
      const pod = podOf(one) as any
      const namespace = one.metadata.namespace as string
      if (pod.serviceAccountName) expect(has('ServiceAccount', namespace, pod.serviceAccountName)).toBe(true)
      for (const { configMap, secret } of pod.volumes) {
        if (configMap) expect(has('ConfigMap', namespace, configMap.name), configMap.name).toBe(true)
        if (secret) expect(secrets).toContain(secret.secretName)
      }
      const containers: any[] = containersOf(one)
      const from = containers.flatMap(({ envFrom = [] }) => envFrom)
      for (const { configMapRef, secretRef } of from) {
        if (configMapRef) expect(has('ConfigMap', namespace, configMapRef.name), configMapRef.name).toBe(true)
        if (secretRef) expect([...secrets, cluster.buildSecrets]).toContain(secretRef.name)
      }
      const variables = containers.flatMap((container) => container.env ?? [])
      for (const { name, valueFrom } of variables) {
        if (valueFrom?.secretKeyRef) expect(secrets).toContain(valueFrom.secretKeyRef.name)
        if (name.startsWith('RAIBID_')) expect(Object.values(env)).toContain(name)
      }
    }
  })
})

test('the schemas do refuse what is wrong', async () => {
  const { ScaledJob } = (await import(schemas['keda.sh/v1alpha1']!)) as any
  const right = pick(sets[0]![1], 'ScaledJob', 'agents-default')
  expect(() => new ScaledJob({ ...right, spec: { ...right.spec, maxReplicaCount: '2' } }).validate()).toThrow('integer')
  expect(() => new ScaledJob({ ...right, spec: { ...right.spec, triggers: undefined } }).validate()).toThrow('triggers')
})

describe('what is agreed', () => {
  const objects = sets[1]![1]

  test('Redis: names, address and users', () => {
    const redis = pick(objects, 'StatefulSet', cluster.redis)
    const service = pick(objects, 'Service', cluster.redis)
    expect(`${service.metadata.name}.${service.metadata.namespace}.svc:${service.spec.ports[0].port}`).toBe(cluster.redisAddress)
    expect(redis.spec.serviceName).toBe(cluster.redisPods)
    expect(pick(objects, 'Service', cluster.redisPods).spec.clusterIP).toBe('None')
    expect(redis.spec.template.spec.volumes).toContainEqual(
      expect.objectContaining({ secret: expect.objectContaining({ secretName: cluster.redisAclSecret }) }),
    )
    const auth = pick(objects, 'TriggerAuthentication', cluster.triggerAuthentication)
    expect(auth.spec.secretTargetRef.map((one: any) => [one.parameter, one.name, one.key])).toEqual([
      ['username', cluster.redisKedaSecret, 'username'],
      ['password', cluster.redisKedaSecret, 'password'],
    ])
  })

  test('Redis writes every answer to disk first and forgets nothing', () => {
    const conf = pick(objects, 'ConfigMap', 'redis').data['redis.conf'].split('\n')
    expect(conf).toEqual(
      expect.arrayContaining([
        'appendonly yes',
        'appendfsync always',
        'maxmemory-policy noeviction',
        'aclfile /etc/redis-acl/users.acl',
      ]),
    )
  })

  test('serve: it listens where the Service and kubelet ask, and not without a secret for webhooks', () => {
    const serve = pick(objects, 'Deployment', cluster.serve)
    const [container] = serve.spec.template.spec.containers
    expect(container.ports[0].containerPort).toBe(cluster.servePort)
    const service = pick(objects, 'Service', cluster.serve).spec
    expect(service.ports[0]).toMatchObject({ port: cluster.servePort, targetPort: container.ports[0].name })
    expect(container.image.startsWith(`${cluster.image}:`)).toBe(true)
    const [command, ...args] = container.args.slice(1)
    expect(command).toBe('tasks/pool/serve.ts')
    expect(parseArgs(serveSpec, args)).toMatchObject({ host: '0.0.0.0', port: cluster.servePort })
    const asked = ['readinessProbe', 'livenessProbe'].map((probe) => container[probe].httpGet)
    expect(asked).toEqual([
      { path: routes.readyz, port: container.ports[0].name },
      { path: routes.healthz, port: container.ports[0].name },
    ])
    expect(container.env).toContainEqual({ name: 'NODE_OPTIONS', value: serveNodeFlags.join(' ') })
    const variable = (name: string) => container.env.find((one: any) => one.name === name).valueFrom.secretKeyRef
    expect(variable(env.webhookSecret)).toEqual({ name: cluster.serveSecret, key: 'webhook-secret' })
    for (const token of [env.giteaToken, env.githubToken]) expect(variable(token).optional).toBe(true)
    expect(container.envFrom).toEqual([{ secretRef: { name: cluster.buildSecrets, optional: true } }])
  })

  test('one ScaledJob for each pool, with the labels that others look for', () => {
    expect(objects.filter(({ kind }) => kind === 'ScaledJob').map(({ metadata }) => metadata.name)).toEqual(
      ['default', 'gpu'].map(cluster.scaledJob),
    )
    const { metadata, spec } = pick(objects, 'ScaledJob', cluster.scaledJob('gpu'))
    for (const labels of [metadata.labels, spec.jobTargetRef.template.metadata.labels])
      expect(labels).toEqual({ [cluster.nameLabel]: 'agent', [cluster.poolLabel]: 'gpu' })
    expect(spec.jobTargetRef.template.spec.containers.map(({ name }: any) => name)).toEqual([cluster.agentContainer])
  })

  test('Gitea: one address for pods, the machine and itself; what it signs goes to serve and Flux', () => {
    const { spec } = pick(objects, 'Service', cluster.gitea)
    const [http, ssh] = spec.ports
    expect(http).toMatchObject({ port: cluster.giteaNodePort, nodePort: cluster.giteaNodePort, targetPort: 'http' })
    expect(ssh).toMatchObject({ port: 2222, nodePort: cluster.giteaSshNodePort, targetPort: 'ssh' })
    expect(cluster.giteaAddress).toBe(`${cluster.giteaHost}:${http.port}`)
    const pod = pick(objects, 'Deployment', cluster.gitea).spec.template.spec
    expect(pod.containers[0].ports.map(({ containerPort }: any) => containerPort)).toEqual([cluster.giteaPort, 2222])
    const ini = pick(objects, 'ConfigMap', cluster.gitea).data
    expect(ini).toMatchObject({
      GITEA__server__ROOT_URL: `http://${cluster.giteaAddress}/`,
      GITEA__server__LFS_START_SERVER: 'true',
      GITEA__security__INSTALL_LOCK: 'true',
      GITEA__migrations__ALLOW_LOCALNETWORKS: 'true',
      GITEA__database__HOST: `${cluster.postgres}.${cluster.infrastructure}.svc:5432`,
    })
    const hosts = ini.GITEA__security__ALLOWED_HOST_LIST.split(',')
    expect(hosts).toEqual(expect.arrayContaining(['external', `*.${cluster.namespace}.svc`, `*.${cluster.flux}.svc`]))
    expect(ini.GITEA__webhook__ALLOWED_HOST_LIST.split(',')).toEqual(hosts)
    // two pods on one volume would write over each other
    expect(pick(objects, 'Deployment', cluster.gitea).spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
  })

  test('another configuration makes new pods of who reads it, and of nobody else; the same one does not', async () => {
    const digests = (list: readonly KubeObject[]) =>
      Object.fromEntries(
        list.flatMap((one: any) => {
          const digest = one.spec?.template?.metadata?.annotations?.[cluster.configAnnotation]
          return digest ? [[nameOf(one), digest as string]] : []
        }),
      )
    const before = digests(objects)
    expect(Object.keys(before).sort()).toEqual([
      'DaemonSet kube-system/nvidia-device-plugin',
      'Deployment ci/serve',
      'Deployment infrastructure/gitea',
      'StatefulSet infrastructure/redis',
    ])
    expect(asYaml(await rendered('spark', example))).toBe(asYaml(objects))
    const other = await rendered('spark', `${example}\njobTimeout: 61s\n`.replace(/^jobTimeout: (?!61s).*$/m, ''))
    expect(digests(other)).toEqual({
      ...before,
      'Deployment ci/serve': expect.not.stringMatching(before['Deployment ci/serve']!),
    })

    const changed = structuredClone(objects) as any[]
    pick(changed, 'ConfigMap', cluster.gitea).data.GITEA__server__LFS_START_SERVER = 'false'
    expect(Object.entries(digests(withConfigDigests(changed))).filter(([name, digest]) => before[name] !== digest)).toEqual([
      ['Deployment infrastructure/gitea', expect.stringMatching(/^[0-9a-f]{16}$/)],
    ])
    // what the file says in another order is the same
    const turned = objects.map((one: any) =>
      one.data ? { ...one, data: Object.fromEntries(Object.entries(one.data).reverse()) } : one,
    )
    expect(digests(withConfigDigests(turned))).toEqual(before)
  })

  test('what holds data is not pruned', () => {
    const kept = objects.filter(({ kind }) => kind === 'Namespace' || kind === 'PersistentVolumeClaim')
    expect(kept).toHaveLength(4)
    for (const { metadata } of kept) expect(metadata.annotations?.['kustomize.toolkit.fluxcd.io/prune']).toBe('disabled')
  })

  test('namespaces refuse what is not restricted', () => {
    for (const name of [cluster.namespace, cluster.infrastructure])
      expect(pick(objects, 'Namespace', name).metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted')
  })
})
