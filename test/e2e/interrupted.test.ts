import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import { kinds, type KubeObject } from '#lib/cluster/types.ts'
import { cluster, files } from '#lib/contract.ts'
import { giteaAdmin } from '#lib/forge/gitea-admin.ts'
import { noNamespaces, personBehindProxy, uids } from '#test/helpers/behind-proxy.ts'
import { testKubeconfig, withCluster } from '#test/helpers/cluster.ts'
import { fluxFolder, giteaByName, startFlux, withFlux } from '#test/helpers/flux.ts'
import { administrator, forget, withClusterAndGitea } from '#test/helpers/gitea-admin.ts'
import { atEveryWrite, hows, kept, start, type How, type Interrupting } from '#test/helpers/interrupted.ts'
import { playNode } from '#test/helpers/play-node.ts'
import { giteaApi, realGitea } from '#test/helpers/real-gitea.ts'
import { writeProxy } from '#test/helpers/write-proxy.ts'

const { namespace, infrastructure, configOwner, configRepo } = cluster
const spaces = [namespace, infrastructure, cluster.monitoring]
const only = (...names: string[]): string[] => names.flatMap((name) => ['--only', name])
const sure = ['--yes', '--i-mean', 'fake']
/** Each of the three ways at each write needs as many rounds. */
const rounds: readonly (readonly How[])[] = hows.map((_, i) => [...hows.slice(i), ...hows.slice(0, i)])
vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 })

/** KEDA isn't here: what it would say of the pools. */
function playKeda(kube: Kube) {
  const stop = new AbortController()
  const done = (async () => {
    while (!stop.signal.aborted) {
      const { items } = await kube.list<KubeObject>({ ...kinds.scaledJob, namespace }).catch(() => ({ items: [] }))
      for (const one of items) {
        if (JSON.stringify(one.status ?? {}).includes('Played')) continue
        const conditions = [{ type: 'Ready', status: 'True', reason: 'Played', message: 'by the test' }]
        await kube.patch({ ...kinds.scaledJob, metadata: one.metadata }, { status: { conditions } }, 'status').catch(() => {})
      }
      await sleep(300, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return { close: () => (stop.abort(), done) }
}

withCluster('every write of a real API server', () => {
  const inside = [
    ...only('namespaces', 'redis', 'postgres', 'gitea', 'pools', 'serve'),
    '--skip',
    'gitea-setup',
    '--skip',
    'keda',
  ]
  const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'theirs', namespace: 'default' } }
  let kube: Kube
  let node: ReturnType<typeof playNode>
  let keda: ReturnType<typeof playKeda>
  let it: Awaited<ReturnType<typeof personBehindProxy>>
  let foreign: string
  // Gitea's own pod runs nothing here
  const healthz = createServer((_, response) => response.end('{}'))
  beforeAll(async () => {
    kube = await openKube({ kubeconfig: testKubeconfig })
    node = playNode(kube, [infrastructure, namespace])
    keda = playKeda(kube)
    await noNamespaces(kube)
    await once(healthz.listen(0, '127.0.0.1'), 'listening')
    it = await personBehindProxy(testKubeconfig)
    Object.assign(it.env, { RAIBID_GITEA_URL: `http://127.0.0.1:${(healthz.address() as AddressInfo).port}` })
    foreign = (await kube.apply<KubeObject>({ ...theirs, data: { a: 'Yg==' } } as KubeObject)).metadata.uid!
  })
  afterAll(async () => {
    await noNamespaces(kube)
    await kube.remove(theirs)
    await keda.close()
    await node.close()
    await it.proxy.close()
    healthz.close()
    kube.close()
  })
  const interrupted = (verb: string, args: string[], own: Pick<Interrupting, 'when' | 'by'> & Partial<Interrupting>) =>
    atEveryWrite({ verb, args, env: it.env, proxy: it.proxy, snapshot: () => uids(kube), ...own })
  const cut = (ran: { code: number | null; stderr: string }, how: How): void => {
    if (how === 'cut')
      expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(`cannot reach Kubernetes at ${it.proxy.url}`)])
  }

  test.each(rounds.flatMap((by) => (['before', 'after'] as const).map((when) => ({ when, by }))))(
    'bootstrap and teardown, $when each, $by',
    async ({ when, by }) => {
      rmSync(it.env.RAIBID_HOME, { recursive: true, force: true })
      const first = await interrupted('bootstrap', [...inside, ...it.named], {
        when,
        by,
        after: async (ran, how, before) => {
          kept(before, await uids(kube))
          cut(ran, how)
        },
      })
      expect(first.ended).toBeGreaterThan(30)
      const made = await uids(kube)
      const again = await start('bootstrap', inside, it.env, () => {})
      expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Nothing to do.')])
      expect(await uids(kube)).toEqual(made)

      const taken = [...only('namespaces', 'redis', 'postgres', 'gitea', 'pools', 'serve'), ...sure]
      const second = await interrupted('teardown', taken, { when, by, besides: sure, after: cut })
      expect(second.ended).toBeGreaterThan(20)
      for (const name of spaces) expect(await kube.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })).toBeNull()
      expect((await kube.get<KubeObject>(theirs))!.metadata.uid).toBe(foreign)
      process.stdout.write(`${when}, ${by.join(' ')}: bootstrap ended ${first.ended} times, teardown ${second.ended}\n`)
    },
  )

  test('reconcile, at each write of a repair', async () => {
    rmSync(it.env.RAIBID_HOME, { recursive: true, force: true })
    expect((await start('bootstrap', [...inside, ...it.named], it.env, () => {})).code).toBe(0)
    for (const by of rounds) {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.giteaSecret, namespace: infrastructure } }
      const before = await uids(kube)
      const names = [...before.keys()].filter((name) =>
        /^(Service|NetworkPolicy) infrastructure\/(redis|gitea|postgres)/.test(name),
      )
      await kube.patch(secret, { data: { GITEA__database__PASSWD: 'b3RoZXI=' } })
      for (const name of names) {
        const [kind = '', path = ''] = name.split(' ')
        const apiVersion = kind === 'Service' ? 'v1' : 'networking.k8s.io/v1'
        await kube.remove({ apiVersion, kind, metadata: { name: path.split('/')[1]!, namespace: infrastructure } })
      }
      const state = join(it.env.RAIBID_HOME, files.clusterState)
      const { ended } = await interrupted('reconcile', ['--once'], {
        by,
        when: 'in turn',
        after: (ran, how) => {
          if (how !== 'cut') return
          expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('could not be repaired: cannot reach Kubernetes')])
          // the wait after a repair that failed is over, and three repairs an hour are no thrashing here
          const text = readFileSync(state, 'utf8').replace(/"notBefore": \d+/g, '"notBefore": 0')
          writeFileSync(state, text.replace(/"repaired": \[[^\]]*\]/g, '"repaired": []'))
        },
      })
      expect(ended).toBeGreaterThan(names.length / 2)
      const after = await uids(kube)
      expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted())
      kept(new Map([...before].filter(([name]) => !names.includes(name))), after)
      process.stdout.write(`reconcile, ${by.join(' ')}: ended ${ended} times\n`)
      writeFileSync(state, readFileSync(state, 'utf8').replace(/"repaired": \[[^\]]*\]/g, '"repaired": []'))
    }
  })
})

withClusterAndGitea('every write of gitea-setup, to a real Gitea and a real API server', () => {
  const setup = [...only('gitea-setup'), '--skip', 'gitea']
  let kube: Kube
  let node: ReturnType<typeof playNode>
  let it: Awaited<ReturnType<typeof personBehindProxy>>
  let gitea: Awaited<ReturnType<typeof writeProxy>>
  let admin: Awaited<ReturnType<typeof administrator>>
  beforeAll(async () => {
    kube = await openKube({ kubeconfig: testKubeconfig })
    node = playNode(kube, [])
    it = await personBehindProxy(testKubeconfig)
    gitea = await writeProxy({ url: realGitea.url })
    Object.assign(it.env, { RAIBID_GITEA_URL: gitea.url })
    await noNamespaces(kube)
    expect((await start('bootstrap', [...only('namespaces'), ...it.named], it.env, () => {})).code).toBe(0)
    admin = await administrator(kube)
  })
  afterAll(async () => {
    await forget()
    await noNamespaces(kube)
    await node.close()
    await it.proxy.close()
    await gitea.close()
    kube.close()
  })

  /** What is at Gitea, by name, with its number. */
  async function atGitea(): Promise<Map<string, string>> {
    const token = { headers: { authorization: `token ${realGitea.token()}` } }
    const paths = [`/orgs/${configOwner}`, `/repos/${configOwner}/${configRepo}`, '/users/agents']
    const found = await Promise.all(
      paths.map(async (path) => {
        const answer = await fetch(`${realGitea.url}/api/v1${path}`, token)
        return answer.ok ? [[path, String(((await answer.json()) as { id: number }).id)] as const] : []
      }),
    )
    return new Map(found.flat())
  }
  const both = async (): Promise<Map<string, string>> => {
    const inside = [...(await uids(kube))].filter(([name]) => !/serve|agent$/.test(name) || name.includes('gitea'))
    return new Map([...inside, ...(await atGitea())])
  }
  async function tokens(): Promise<string[]> {
    const its = giteaAdmin(realGitea.url, admin)
    const lists = await Promise.all([admin.user, 'agents'].map((login) => its.tokens(login)))
    return lists.flat().map(({ name }) => name.replace(/-\d+$/, ''))
  }

  test.each(
    rounds.flatMap((by) =>
      (['before', 'after'] as const).flatMap((when) => (['gitea', 'kube'] as const).map((at) => ({ at, when, by }))),
    ),
  )('bootstrap, $when each to $at, $by', async ({ at, when, by }) => {
    await forget()
    for (const name of [cluster.serveSecret, cluster.agentSecret])
      await kube.remove({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } })
    const proxy = at === 'gitea' ? gitea : it.proxy
    const { ended } = await atEveryWrite({
      ...{ verb: 'bootstrap', args: setup, env: it.env, proxy, when, by, snapshot: both },
      after: async (ran, how, before) => {
        kept(before, await both())
        if (how === 'cut') expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(proxy.url)])
      },
    })
    expect(ended).toBeGreaterThan(2)
    const made = [await uids(kube), await atGitea()]
    const again = await start('bootstrap', setup, it.env, () => {})
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Nothing to do.')])
    expect([await uids(kube), await atGitea()]).toEqual(made)
    expect((await tokens()).toSorted()).toEqual(['agents', 'serve'])
    const hooks = await giteaApi<{ config: { url: string } }[]>('GET', '/admin/hooks?type=all')
    expect(hooks.filter(({ config }) => config.url.includes('.svc')).length).toBe(1)
    process.stdout.write(`gitea-setup, ${when} ${at}, ${by.join(' ')}: ended ${ended} times\n`)
  })
})

withFlux('every write of flux', () => {
  const args = [...only('flux'), '--skip', 'redis', '--skip', 'gitea-setup', '--airgap', fluxFolder]
  let kube: Kube
  let node: ReturnType<typeof playNode>
  let it: Awaited<ReturnType<typeof personBehindProxy>>
  let byName: Awaited<ReturnType<typeof giteaByName>>
  let gitea: Awaited<ReturnType<typeof writeProxy>>
  let controllers: Awaited<ReturnType<typeof startFlux>> | undefined
  let admin: Awaited<ReturnType<typeof administrator>>
  const stop = new AbortController()
  let played: Promise<void>
  const release = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'keda', namespace: cluster.keda },
  }
  /** Its controllers begin when their kinds are there; the one for charts isn't here. */
  async function play(): Promise<void> {
    while (!stop.signal.aborted) {
      await sleep(300, undefined, { signal: stop.signal }).catch(() => {})
      const last = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'source-controller', namespace: cluster.flux } }
      if (!controllers && (await kube.get(last).catch(() => null))) controllers = await startFlux(byName.url)
      const found = await kube.get<KubeObject>(release).catch(() => null)
      if (!found || JSON.stringify(found.status ?? {}).includes('Played')) continue
      const at = { lastTransitionTime: new Date().toISOString(), observedGeneration: found.metadata.generation }
      const conditions = [{ type: 'Ready', status: 'True', reason: 'Played', message: 'by the test', ...at }]
      await kube
        .patch(release, { status: { observedGeneration: found.metadata.generation, conditions } }, 'status')
        .catch(() => {})
    }
  }
  beforeAll(async () => {
    kube = await openKube({ kubeconfig: testKubeconfig })
    byName = await giteaByName()
    node = playNode(kube, [cluster.flux, infrastructure, namespace])
    it = await personBehindProxy(testKubeconfig)
    gitea = await writeProxy({ url: realGitea.url })
    Object.assign(it.env, { RAIBID_GITEA_URL: gitea.url })
    await noNamespaces(kube)
    const stores = [...only('namespaces', 'redis', 'postgres', 'gitea', 'gitea-setup')]
    expect((await start('bootstrap', [...only('namespaces'), ...it.named], it.env, () => {})).code).toBe(0)
    admin = await administrator(kube)
    expect(await start('bootstrap', stores, it.env, () => {})).toMatchObject({ code: 0 })
    played = play()
  })
  afterAll(async () => {
    // what Flux has made goes only while it is there, or by us
    await start('teardown', [...only('flux'), ...sure], it.env, () => {})
    stop.abort()
    await played
    await controllers?.stop()
    await forget()
    await kube.remove({ ...kinds.scaledJob, metadata: { name: 'agents-default', namespace } }).catch(() => {})
    await noNamespaces(kube)
    await node.close()
    await it.proxy.close()
    await gitea.close()
    byName.close()
    kube.close()
  })
  const all = () => uids(kube, [namespace, infrastructure, cluster.flux])

  test('to the API server; then nothing; then taken away at each delete', async () => {
    const { ended } = await atEveryWrite({
      ...{ verb: 'bootstrap', args, env: it.env, proxy: it.proxy, when: 'in turn', by: hows, snapshot: all },
      after: async (_, __, before) => kept(before, await all()),
    })
    expect(ended).toBeGreaterThan(10)
    const made = await all()
    const again = await start('bootstrap', args, it.env, () => {})
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Nothing to do.')])
    kept(made, await all())
    const names = (await giteaAdmin(realGitea.url, admin).tokens('flux')).map(({ name }) => name.replace(/-\d+$/, ''))
    expect(names.toSorted()).toEqual(['flux-read', 'flux-status'])
    const before = await uids(kube)
    const taken = await atEveryWrite({
      ...{
        verb: 'teardown',
        args: [...only('flux'), ...sure],
        env: it.env,
        proxy: it.proxy,
        when: 'in turn',
        by: hows,
        snapshot: all,
      },
      besides: sure,
    })
    await controllers?.stop()
    controllers = undefined
    // what Flux kept is there, and nobody's but ours
    kept(before, await uids(kube))
    expect(await kube.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: cluster.flux } })).toBeNull()
    process.stdout.write(`flux: bootstrap ended ${ended} times, teardown ${taken.ended}\n`)
  })

  test('to Gitea', async () => {
    const { ended } = await atEveryWrite({
      ...{ verb: 'bootstrap', args, env: it.env, proxy: gitea, when: 'in turn', by: hows, snapshot: all },
      after: async (_, __, before) => kept(before, await all()),
    })
    expect(ended).toBeGreaterThan(1)
    process.stdout.write(`flux, to Gitea: ended ${ended} times\n`)
  })
})
