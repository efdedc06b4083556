import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kinds, type Pod } from '#lib/cluster/types.ts'
import { root } from '#lib/config.ts'
import { cluster, routes } from '#lib/contract.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isFinal } from '#lib/queue/types.ts'
import type { DeleteOptions } from '#lib/cluster/writes.ts'
import { podsWorld, withPods, type PodsWorld } from '#test/helpers/pods.ts'
import { threeViews } from '#test/helpers/queue.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const pod = (more = '', memory = '512Mi') => `cpu: 50m, disk: 1Gi, memory: ${memory}${more}`
const config = `
agent: { idle: 5s }
pools:
  default: { max: 4, ${pod()} }
  burst: { max: 8, ${pod()} }
  eats: { max: 1, ${pod('', '256Mi')} }
  tiny: { max: 1, ${pod('', '32Mi')} }
  image: { max: 3, ${pod(', image: "registry.test/agent:gone"')} }
  late: { max: 1, ${pod()} }
  rust: { max: 1, ${pod(', image: "localhost/raibid-agent:0.1.0-rust"', '2Gi')} }
`
let world: PodsWorld

withPods('real pods', () => {
  beforeAll(async () => {
    world = await podsWorld(config, ({ kind, metadata, spec }) => {
      const target = (spec as { jobTargetRef?: { activeDeadlineSeconds: number } } | undefined)?.jobTargetRef
      if (kind === 'ScaledJob' && metadata.name === cluster.scaledJob('late')) target!.activeDeadlineSeconds = 12
    })
  }, 240_000)
  afterAll(() => world?.close(), 240_000)

  const ended = (id: string, ms = 90_000) =>
    waitFor('the end', async () => (isFinal((await world.job(id)).state) ? world.job(id) : null), ms)
  const atWork = (id: string) =>
    waitFor(
      'an agent at work',
      async () => ((await world.job(id)).state === 'running' ? (await world.job(id)).agent : null),
      60_000,
    )
  const deletePod = (name: string, options: DeleteOptions = {}) =>
    world.kube.remove({ ...kinds.pod, metadata: { name, namespace: world.namespace } }, options)
  async function again(id: string, what: string) {
    const began = Date.now()
    const back = await waitFor('its return', async () => ((await world.job(id)).state === 'pending' ? Date.now() : null), 20_000)
    await waitFor('the second agent', async () => (await world.job(id)).attempt === 2, 30_000)
    process.stdout.write(`${what}: given back after ${back - began} ms, runs again after ${Date.now() - began} ms\n`)
    const job = await ended(id)
    expect(job).toMatchObject({ state: 'success', attempt: 2 })
    return job
  }
  const logOf = async (id: string) =>
    (await Array.fromAsync(followLog(world.client, id))).flatMap((one) => (one.kind === 'out' ? one.text : [])).join('')
  const pausedWhy = async (pool: string) =>
    (await world.kube.get({ ...kinds.scaledJob, metadata: { name: cluster.scaledJob(pool), namespace: world.namespace } }))!
      .metadata.annotations?.[cluster.pausedAnnotation]

  test('a job by http in a pod that may do nothing: no root, no capability, no token, a root file system to read', async () => {
    const script =
      'id -u; grep CapEff /proc/self/status; grep -c . /proc/1/status; ls /var/run/secrets/kubernetes.io || touch /etc/x || echo sealed'
    const [id = ''] = await world.enqueue('default', script)
    expect(await ended(id)).toMatchObject({ state: 'success', attempt: 1 })
    expect(await logOf(id)).toMatch(/^1000\nCapEff:\t0+\n[^]*sealed\n$/m)
  })

  test('serve answers kubelet, and takes a webhook that is signed with the secret of the cluster, no other', async () => {
    const url = await world.serveUrl()
    for (const path of [routes.healthz, routes.readyz]) expect((await fetch(url + path)).status).toBe(200)
    // an event that is none of a CI's business: it leaves nothing behind
    const { headers, body } = JSON.parse(readFileSync(join(root, 'fixtures/webhooks/gitea/fork.json'), 'utf8'))
    const deliver = async (secret: string) => {
      const signed = { 'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex') }
      const own = { 'x-gitea-event': headers['X-Gitea-Event'], 'x-gitea-delivery': headers['X-Gitea-Delivery'] }
      return (await fetch(url + routes.webhook('gitea'), { method: 'POST', body, headers: { ...own, ...signed } })).status
    }
    expect(await deliver('x'.repeat(64))).toBe(401)
    expect(await deliver(world.webhookSecret)).toBe(200)
    // who is not on this machine needs a token to look
    expect((await fetch(`${url}${routes.api}/jobs`)).status).toBe(401)
  })

  test('the fixtures: Rust in its image, Node in the default one', { timeout: 300_000 }, async () => {
    const [rust, node] = await Promise.all([world.fixture('rust', 'rust-hello'), world.fixture('default', 'node-hello')])
    for (const id of [node, rust]) {
      const { state, reason, phases, steps, startedAt, endedAt } = await ended(id, 200_000)
      expect({ state, reason }).toEqual({ state: 'success', reason: '' })
      const told = [...phases, ...steps].map(
        (one) => `${one.name} ${one.durationMs ?? 0} ms${one.reason ? ` (${one.reason})` : ''}`,
      )
      process.stdout.write(`built in ${endedAt! - startedAt!} ms: ${told.join(', ')}\n`)
    }
  })

  test('a step that eats all memory: the job says so, whoever is killed for it', async () => {
    const [id = ''] = await world.enqueue('eats', `node -e 'for (const all = []; ; ) all.push(Buffer.alloc(1 << 23, 1))'`)
    const job = await ended(id)
    process.stdout.write(`out of memory: ${job.state}, ${job.reason}, attempt ${job.attempt}\n`)
    expect(job.reason).toContain('out of memory')
  })

  test('agents that don’t fit into their memory: three in a row pause the pool', { timeout: 180_000 }, async () => {
    await world.enqueue('tiny', 'true')
    expect(await waitFor('the pause', () => pausedWhy('tiny'), 120_000)).toMatch(/3 agents in a row .*out of memory/)
  })

  test('an image that can’t be pulled: ended after 30 s, with its name', { timeout: 180_000 }, async () => {
    const began = Date.now()
    await world.enqueue('image', 'true', 3)
    const why = await waitFor('the pause', () => pausedWhy('image'), 90_000)
    expect(why).toContain("image registry.test/agent:gone can't be pulled: ")
    process.stdout.write(`paused after ${Date.now() - began} ms: ${why}\n`)
    // what KEDA had created before the pause has its 30 s too
    await waitFor('no Job', () => world.unfinished('image') === 0, 60_000)
  })

  test('a build beyond the deadline of its Job', { timeout: 180_000 }, async () => {
    const [id = ''] = await world.enqueue('late', 'sleep 100')
    const first = await atWork(id)
    await waitFor('the end of the first agent', async () => (await world.job(id)).agent !== first, 60_000)
    const { tries, reason, state } = await world.job(id)
    process.stdout.write(`beyond its deadline: ${state}, tries ${tries}, ${reason}\n`)
    await world.queue.jobs.cancel(id, 'by the test')
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
  })

  test('a pod that somebody deletes, and an agent that is killed: its job runs again at once', { timeout: 180_000 }, async () => {
    // even without grace kubelet gives two seconds: the agent or serve gives the job back, whoever is first
    for (const [how, grace, most] of [
      ['deleted', {}, 0],
      ['deleted without grace', { graceSeconds: 0 }, 1],
    ] as const) {
      const [id = ''] = await world.enqueue('default', 'sleep 6')
      await deletePod(await atWork(id), grace)
      const { tries } = await again(id, `pod ${how}`)
      expect(tries).toBeLessThanOrEqual(most)
    }
    const [id = ''] = await world.enqueue('default', 'test $RAIBID_ATTEMPT = 2 || kill -9 $PPID; sleep 1')
    expect(await ended(id)).toMatchObject({ state: 'success', attempt: 2, tries: 1 })
  })

  test('a burst of 20 with max 8', { timeout: 300_000 }, async () => {
    const began = Date.now()
    const ids = await world.enqueue('burst', 'sleep 2', 20)
    for (const id of ids) expect(await ended(id, 200_000)).toMatchObject({ state: 'success', attempt: 1 })
    process.stdout.write(`a burst of 20: ${Date.now() - began} ms, at the most ${world.peak('burst')} at once\n`)
    await waitFor('no unfinished Job', () => world.unfinished('burst') === 0, 60_000)
    expect([world.created('burst').length, world.peak('burst')]).toEqual([20, 8])
    expect(await threeViews(world.client, 'burst')).toEqual({ line: [], delayed: [], stream: [], group: [] })
    const pods = async () =>
      (await world.kube.list<Pod>({ ...kinds.pod, namespace: world.namespace, labels: `${cluster.poolLabel}=burst` })).items
    await waitFor(
      'no pod',
      async () => (await pods()).every(({ status }) => /Succeeded|Failed/.test(status?.phase ?? '')),
      60_000,
    )
  })
})
