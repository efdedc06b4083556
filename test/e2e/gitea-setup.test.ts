import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClusterContext } from '#lib/cluster/component.ts'
import { giteaSetup, serveHook } from '#lib/cluster/components/gitea-setup.ts'
import { namespaces } from '#lib/cluster/components/namespaces.ts'
import { smoke } from '#lib/cluster/components/smoke.ts'
import type { Kube } from '#lib/cluster/kube.ts'
import { cluster, env } from '#lib/contract.ts'
import { contextFor } from '#test/helpers/bootstrapped.ts'
import { testKubeconfig } from '#test/helpers/cluster.ts'
import { administrator, forget, withClusterAndGitea } from '#test/helpers/gitea-admin.ts'
import { giteaApi, realGitea } from '#test/helpers/real-gitea.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

withClusterAndGitea('gitea-setup, by a real Gitea', () => {
  let ctx: ClusterContext
  let kube: Kube
  let user: string
  beforeAll(async () => {
    process.env[env.giteaUrl] = realGitea.url
    ctx = await contextFor(testKubeconfig, 'pools: { default: { max: 2 } }')
    kube = await ctx.kube()
    await namespaces.apply(ctx)
    ;({ user } = await administrator(kube))
  }, 60_000)
  afterAll(async () => {
    await namespaces.remove!(ctx)
    await forget()
  }, 120_000)

  const text = async (name: string, key: string): Promise<string> => {
    const ref = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: cluster.namespace } }
    const found = (await kube.get(ref)) as { data?: Record<string, string> } | null
    return Buffer.from(found?.data?.[key] ?? '', 'base64').toString()
  }
  const all = async () => [
    await text('serve', 'webhook-secret'),
    await text('serve', 'gitea-token'),
    await text('agent', 'git-credentials'),
  ]
  const hooks = async () =>
    (await giteaApi<{ id: number; active: boolean; config: { url: string } }[]>('GET', '/admin/hooks?type=all')).filter(
      ({ config }) => config.url === serveHook.url,
    )
  const asked = async (token: string, path: string, method = 'GET', body?: object): Promise<number> =>
    (
      await fetch(`${realGitea.url}/api/v1${path}`, {
        ...{ method, headers: { authorization: `token ${token}`, 'content-type': 'application/json' } },
        ...(body && { body: JSON.stringify(body) }),
      })
    ).status

  test('all of it is made, and again nothing', async () => {
    expect((await giteaSetup.check(ctx)).state).toBe('absent')
    await giteaSetup.apply(ctx)
    expect(await giteaSetup.check(ctx)).toEqual({ state: 'healthy' })
    const [before, [hook]] = [await all(), await hooks()]
    expect(before.every(Boolean)).toBe(true)
    expect(hook).toMatchObject({ active: true })
    await giteaSetup.apply(ctx)
    expect(await all()).toEqual(before)
    expect((await hooks()).map(({ id }) => id)).toEqual([hook!.id])
    expect(await giteaSetup.plan(ctx, { state: 'healthy' })).toEqual([])
  })

  test('tokens may do what they are for, and no more', async () => {
    const repo = `/repos/${cluster.configOwner}/${cluster.configRepo}`
    const serve = await text('serve', 'gitea-token')
    const agents = (await text('agent', 'git-credentials')).split('\t')[2]!.trim()
    expect([await asked(serve, repo), await asked(agents, repo)]).toEqual([200, 200])
    expect(await asked(agents, repo, 'PATCH', { description: 'x' })).toBe(403)
    expect(await asked(serve, '/admin/users')).toBe(403)
    expect(await asked(serve, '/user')).toBe(403)
  })

  test('a token that was revoked is made anew, once, and the old one goes', async () => {
    const [secret, old, credentials] = await all()
    await kube.patch(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'serve', namespace: cluster.namespace } },
      { data: { 'gitea-token': Buffer.from('0'.repeat(40)).toString('base64') } },
    )
    const found = await giteaSetup.check(ctx)
    expect(found).toMatchObject({ state: 'degraded', reason: 'Gitea answers 401 to the gitea-token in Secret ci/serve' })
    await giteaSetup.apply(ctx)
    expect(await giteaSetup.check(ctx)).toEqual({ state: 'healthy' })
    const after = await all()
    expect([after[0], after[2]]).toEqual([secret, credentials])
    expect(after[1]).not.toBe(old)
    expect(await asked(old!, '/repos/search')).toBe(401)
  })

  test('a webhook that went, and one whose secret is another, are made anew; of two one is left', async () => {
    const [hook] = await hooks()
    await giteaApi('DELETE', `/admin/hooks/${hook!.id}`)
    expect((await giteaSetup.check(ctx)).reason).toContain('Gitea has no webhook to it')
    await giteaSetup.apply(ctx)
    const serve = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'serve', namespace: cluster.namespace } }
    await kube.patch(serve, { data: { 'webhook-secret': Buffer.from('another').toString('base64') } })
    expect((await giteaSetup.check(ctx)).reason).toContain('Gitea was told another secret')
    const body = {
      type: 'gitea',
      active: true,
      events: ['push'],
      config: { url: serveHook.url, content_type: 'json', is_system_webhook: 'true' },
    }
    await giteaApi('POST', '/admin/hooks', body)
    await giteaSetup.apply(ctx)
    expect(await giteaSetup.check(ctx)).toEqual({ state: 'healthy' })
    expect(await hooks()).toHaveLength(1)
  })

  test('the smoke test: a push, and what is said of its commit decides; it is proven once for an image', async () => {
    const repo = `/repos/${cluster.configOwner}/${cluster.smokeRepo}`
    /** Plays serve: says this of the newest commit, as soon as there is one. */
    const say = async (...states: string[]): Promise<string> => {
      const token = { headers: { authorization: `token ${realGitea.token()}` } }
      const head = await waitFor(
        'the push',
        async () => {
          const response = await fetch(`${realGitea.url}/api/v1${repo}/branches/main`, token)
          const id = response.ok ? ((await response.json()) as { commit: { id: string } }).commit.id : ''
          return id && id !== said.at(-1) ? id : null
        },
        60_000,
      )
      said.push(head)
      for (const state of states)
        await giteaApi('POST', `${repo}/statuses/${head}`, { state, context: 'c', description: `it is ${state}` })
      return head
    }
    const said: string[] = ['']
    const [failed] = await Promise.all([smoke.apply(ctx).catch((error: Error) => error.message), say('pending', 'failure')])
    expect(failed).toMatch(/came to nothing: failure: it is failure/)
    expect((await smoke.check(ctx)).state).toBe('absent')
    const [, commit] = await Promise.all([smoke.apply(ctx), say('pending', 'success')])
    expect(await smoke.check(ctx)).toMatchObject({ state: 'healthy', reason: expect.stringContaining(commit.slice(0, 7)) })
  })

  test('a password that is not the administrator’s any more is said so, and nothing is made', async () => {
    await giteaApi('PATCH', `/admin/users/${user}`, { login_name: user, source_id: 0, password: 'quite-another-one' })
    await expect(giteaSetup.apply(ctx)).rejects.toThrow('does not take the password in Secret infrastructure/gitea-admin')
    const said = await giteaSetup.apply(ctx).catch((error: Error) => error.message)
    expect(said).not.toMatch(/RAIBID_GITEA_TOKEN|quite-another/)
  })
})
