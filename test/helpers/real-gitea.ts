import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { gitea } from '#lib/forge/gitea.ts'
import { createRepo, type TestRepo } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

/** A real Gitea that tests may use as they like: its address, and an administrator's token. */
const url = process.env['RAIBID_TEST_GITEA'] ?? ''
const secret = process.env['RAIBID_TEST_GITEA_TOKEN'] ?? ''
export const realGitea = { kind: 'gitea', url, aliases: [], token: () => secret } as const

/** Runs where there is one; else the tests are skipped, and their name says why. */
export function withGitea(name: string, body: () => void): void {
  const missing = !url || !secret
  void describe.skipIf(missing)(missing ? `${name} [skipped: RAIBID_TEST_GITEA, RAIBID_TEST_GITEA_TOKEN not set]` : name, body)
}

/** A second one, whose repositories are mirrored; where there is none, the first. */
export const realSource = {
  url: process.env['RAIBID_TEST_GITEA_SOURCE'] || url,
  token: process.env['RAIBID_TEST_GITEA_SOURCE_TOKEN'] || secret,
}

/** What tests need of its API beyond our own client. */
export async function giteaApi<T>(method: string, path: string, body?: unknown, at = { url, token: secret }): Promise<T> {
  const response = await fetch(`${at.url}/api/v1${path}`, {
    method,
    headers: { authorization: `token ${at.token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.ok, `${method} ${path}: ${response.status} ${text}`).toBe(true)
  return (text ? JSON.parse(text) : undefined) as T
}

export interface GiteaRepo {
  owner: string
  name: string
  cloneUrl: string
  local: TestRepo
  push: (...refs: string[]) => void
}

/** An organisation of its own with one repository, into which `local` is pushed. */
export async function giteaRepo(): Promise<GiteaRepo> {
  const owner = `t${randomBytes(4).toString('hex')}`
  await giteaApi('POST', '/orgs', { username: owner })
  await giteaApi('POST', `/orgs/${owner}/repos`, { name: 'app', default_branch: 'main' })
  const { cloneUrl } = await gitea(realGitea).repo({ owner, name: 'app' })
  const local = createRepo()
  const push = (...refs: string[]): void =>
    void local.git('-c', `http.extraHeader=Authorization: token ${secret}`, 'push', '-q', '--force', cloneUrl, ...refs)
  push('main')
  // what a push brings is taken up behind its back
  await waitFor('the push', async () => !(await gitea(realGitea).repo({ owner, name: 'app' })).empty)
  return { owner, name: 'app', cloneUrl, local, push }
}
