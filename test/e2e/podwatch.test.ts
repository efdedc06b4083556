import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { promisify } from 'node:util'
import { join } from 'node:path'
import { kinds, type KubeObject, type Pod, type ScaledJob } from '#lib/cluster/types.ts'
import { root } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { keys } from '#lib/queue/keys.ts'
import { poolNotes } from '#lib/queue/notes.ts'
import { pairs } from '#lib/queue/parse.ts'
import { isFinal } from '#lib/queue/types.ts'
import { ulid } from '#lib/ulid.ts'
import { testCluster, withCluster, type TestCluster } from '#test/helpers/cluster.ts'
import { aSpec } from '#test/helpers/queue.ts'
import { stepsRepo } from '#test/helpers/steps-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const pools = ['image', 'exits', 'hung', 'deleted', 'verbs']
let world: TestCluster
/** What the kubelet says of the pods of a pool, instead of starting an agent. */
const broken: Record<string, number | string> = { image: 'ErrImagePull', exits: 1 }

withCluster('serve watches the pods', () => {
  let serve: ReturnType<TestCluster['serve']>
  beforeAll(async () => {
    const poolOf = (pod: Pod): string => pod.metadata.labels?.[cluster.poolLabel] ?? ''
    world = await testCluster({ pools, instead: (pod) => broken[poolOf(pod)] ?? null })
    serve = world.serve()
    // two do no harm to each other
    world.serve()
    await waitFor('serve', () => serve.said().includes('cluster reached'), 30_000)
  })
  afterAll(() => world.close())

  async function enqueue(pool: string, script: string): Promise<string> {
    const repo = stepsRepo(script)
    return (await world.queue.jobs.enqueue(aSpec({ pool, repo: repo.path, commit: repo.commit, env: { N: ulid() } }))).id
  }
  const job = async (id: string) => (await world.queue.reader.job(id))!
  const atWork = (id: string) =>
    waitFor('an agent at work', async () => ((await job(id)).state === 'running' ? (await job(id)).agent : null), 30_000)
  const ended = (id: string) => waitFor('the end', async () => (isFinal((await job(id)).state) ? job(id) : null), 60_000)
  const scaledJob = async (pool: string) =>
    (await world.kube.get<ScaledJob>({
      ...kinds.scaledJob,
      metadata: { name: cluster.scaledJob(pool), namespace: world.namespace },
    }))!
  const pausedWhy = async (pool: string) => (await scaledJob(pool)).metadata.annotations?.[cluster.pausedAnnotation]

  test(
    'agents that end at once, three in a row: the pool is paused, with the reason, an event and a note',
    { timeout: 90_000 },
    async () => {
      await world.scaledJob({ pool: 'exits', max: 1 })
      const id = await enqueue('exits', 'true')
      const why = await waitFor('the pause', () => pausedWhy('exits'), 60_000)
      expect(why).toMatch(
        /needs a human: 3 agents in a row ended without taking a job; the last was agents-exits-\S+: exit code 1/,
      )
      expect((await job(id)).state).toBe('pending')
      const note = async () => (await poolNotes(world.client)).find(({ pool }) => pool === 'exits')?.text
      await waitFor('the note', async () => (await note())?.startsWith('paused: needs a human: 3 agents in a row'))
      const fields = `involvedObject.name=${cluster.scaledJob('exits')},reason=PoolPaused`
      const told = () => world.kube.list<KubeObject>({ ...kinds.event, namespace: world.namespace, fields })
      await waitFor('the event', async () => (await told()).items.length > 0)
      const before = world.created('exits').length
      expect(before).toBeLessThanOrEqual(6)
      // mended and resumed: the job runs
      delete broken['exits']
      const task = join(root, 'tasks/pool/resume.ts')
      await promisify(execFile)(process.execPath, [task, 'exits', '--cluster', '--namespace', world.namespace], {
        env: world.env,
      })
      expect((await ended(id)).state).toBe('success')
      await waitFor('no note', async () => !(await poolNotes(world.client)).some(({ pool }) => pool === 'exits'), 20_000)
    },
  )

  test('an agent that hangs: its Job is deleted, its job runs again', { timeout: 120_000 }, async () => {
    await world.scaledJob({ pool: 'hung', max: 1 })
    const id = await enqueue('hung', 'sleep 6')
    const agent = await atWork(id)
    world.kubelet.running.get(agent)!.kill('SIGSTOP')
    const began = Date.now()
    await waitFor('the second attempt', async () => ((await job(id)).tries === 1 ? job(id) : null), 40_000)
    process.stdout.write(`a hung agent's job was released after ${Date.now() - began} ms\n`)
    // whichever of the two did it
    const events = (await world.client.xrange(keys.events, '-', '+')).map(([, fields]) => pairs(fields))
    expect(events.find(({ id: of, attempt, state }) => of === id && attempt === '1' && state === 'pending')).toMatchObject({
      actor: 'podwatch',
      reason: expect.stringMatching(/^agent lost: hung, silent for 1\d s$/),
    })
    expect(await ended(id)).toMatchObject({ state: 'success', attempt: 2 })
  })

  test('a pod that somebody deletes: the agent gives its job back, and another runs it', { timeout: 90_000 }, async () => {
    await world.scaledJob({ pool: 'deleted', max: 1 })
    const id = await enqueue('deleted', 'sleep 5')
    const agent = await atWork(id)
    await world.kube.remove({ ...kinds.pod, metadata: { name: agent, namespace: world.namespace } })
    expect(await ended(id)).toMatchObject({ state: 'success', attempt: 2, tries: 0 })
    // at once, without a chance: that costs a try
    const next = await enqueue('deleted', 'sleep 5')
    const victim = await atWork(next)
    const began = Date.now()
    await world.kube.remove({ ...kinds.pod, metadata: { name: victim, namespace: world.namespace } }, { graceSeconds: 0 })
    await waitFor('its release', async () => (await job(next)).tries === 1)
    process.stdout.write(`the job of a deleted pod was released after ${Date.now() - began} ms\n`)
    expect(await ended(next)).toMatchObject({ state: 'success', attempt: 2 })
  })

  test(
    'an image that can’t be pulled: the Job goes after 30 s, the reason names the image, the pool is paused',
    { timeout: 120_000 },
    async () => {
      await world.scaledJob({ pool: 'image', max: 3, image: 'registry.test/agent:gone' })
      for (let i = 0; i < 3; i++) await enqueue('image', 'true')
      await waitFor('three pods that wait', () => world.unfinished('image') === 3, 20_000)
      const began = Date.now()
      expect(await waitFor('the pause', () => pausedWhy('image'), 60_000)).toContain(
        "image registry.test/agent:gone can't be pulled: ErrImagePull",
      )
      expect(Date.now() - began).toBeGreaterThan(25_000)
      await waitFor('no Job', () => world.unfinished('image') === 0, 20_000)
    },
  )

  test(
    'scale, pause and resume change the ScaledJob; an unknown pool is told with those that there are',
    { timeout: 90_000 },
    async () => {
      await world.scaledJob({ pool: 'verbs', max: 2 })
      const run = async (verb: string, ...args: string[]) => {
        const file = join(root, `tasks/pool/${verb}.ts`)
        const all = [file, ...args, '--cluster', '--namespace', world.namespace, '--json']
        return promisify(execFile)(process.execPath, all, { env: world.env }).then(
          ({ stdout }) => JSON.parse(stdout) as object,
          ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
        )
      }
      expect(await run('scale', 'verbs', '5')).toMatchObject({ pool: 'verbs', max: 5, paused: null, changed: true })
      expect((await scaledJob('verbs')).spec?.maxReplicaCount).toBe(5)
      expect(await run('pause', 'verbs', '--because', 'disk')).toMatchObject({
        changed: true,
        paused: expect.stringMatching(/^paused by \S+: disk$/),
      })
      expect((await scaledJob('verbs')).metadata.annotations?.[cluster.kedaPaused]).toBe('true')
      const id = await enqueue('verbs', 'true')
      await new Promise((resolve) => setTimeout(resolve, 3000)) // three polls of KEDA
      expect(world.created('verbs')).toEqual([])
      expect(await run('resume', 'verbs')).toMatchObject({ changed: true, paused: null })
      expect(await run('resume', 'verbs')).toMatchObject({ changed: false })
      expect((await ended(id)).state).toBe('success')
      expect(await run('pause', 'nope')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no pool "nope"') })
    },
  )
})
