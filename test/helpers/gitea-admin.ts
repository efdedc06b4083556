import { randomBytes } from 'node:crypto'
import { describe } from 'vitest'
import type { Kube } from '#lib/cluster/kube.ts'
import { secret } from '#lib/cluster/secret.ts'
import { cluster } from '#lib/contract.ts'
import { testKubeconfig } from './cluster.ts'
import { giteaApi, realGitea } from './real-gitea.ts'

const missing = [
  ...(testKubeconfig ? [] : ['RAIBID_TEST_KUBECONFIG']),
  ...(realGitea.url ? [] : ['RAIBID_TEST_GITEA, RAIBID_TEST_GITEA_TOKEN']),
]

/** Runs where there are both an API server and a Gitea; else the tests are skipped, and their name says why. */
export const withClusterAndGitea = (name: string, body: () => void): void =>
  void describe.skipIf(missing.length)(missing.length ? `${name} [skipped: ${missing.join(', ')} not set]` : name, body)

/** An administrator of the real Gitea, whose password stands where bootstrap keeps it; and Gitea without what bootstrap makes there. */
export async function administrator(kube: Kube) {
  const user = `admin-${randomBytes(3).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await giteaApi('POST', '/admin/users', {
    username: user,
    email: `${user}@gitea.invalid`,
    password,
    must_change_password: false,
  })
  await giteaApi('PATCH', `/admin/users/${user}`, { login_name: user, source_id: 0, admin: true })
  await forget()
  await kube.apply(secret(cluster.giteaAdminSecret, cluster.infrastructure, { username: user, password }), { force: true })
  return { user, password }
}

/** Takes away what bootstrap makes at a Gitea. */
export async function forget(): Promise<void> {
  const has = async (path: string): Promise<boolean> =>
    (await fetch(`${realGitea.url}/api/v1${path}`, { headers: { authorization: `token ${realGitea.token()}` } })).ok
  const { configOwner } = cluster
  if (await has(`/orgs/${configOwner}`)) {
    const repos = await giteaApi<{ name: string }[]>('GET', `/orgs/${configOwner}/repos`)
    for (const { name } of repos) await giteaApi('DELETE', `/repos/${configOwner}/${name}`)
    await giteaApi('DELETE', `/orgs/${configOwner}`)
  }
  for (const user of ['agents', 'flux'])
    if (await has(`/users/${user}`)) await giteaApi('DELETE', `/admin/users/${user}?purge=true`)
  for (const { id, config } of await giteaApi<{ id: number; config: { url: string } }[]>('GET', '/admin/hooks?type=all'))
    if (config.url.includes('.svc')) await giteaApi('DELETE', `/admin/hooks/${id}`)
}
