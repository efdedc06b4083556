import type { z } from 'zod/mini'
import type { Call, Caller } from './call.ts'
import { hookOf, hookShape, ownerPath, repoPath } from './shapes.ts'
import type { CallOptions, Hook, HookWish, RepoName } from './types.ts'

/** Whose webhooks: a repository's, an organisation's, or those of the whole server (by an administrator). */
export type HookPlace = RepoName | { org: string } | 'system'

export interface Api {
  call: Caller
  ask: <T>(shape: z.ZodMiniType<T>, request: Call) => Promise<T>
  all: <T>(shape: z.ZodMiniType<T>, request: Call, key?: string) => Promise<T[]>
}

/** Only creating knows whose: after that a webhook of the server is known by its number. */
const pathOf = (place: HookPlace): string => {
  if (place === 'system') return '/admin/hooks'
  return 'org' in place ? `/orgs/${ownerPath(place.org)}/hooks` : `${repoPath(place)}/hooks`
}

/** Gitea's webhooks. */
export function giteaHooks({ call, ask, all }: Api) {
  async function createHook(where: HookPlace, { url, secret, events }: HookWish, options: CallOptions = {}): Promise<Hook> {
    // without the word it would be no webhook but a template of one, for new repositories
    const config = { url, content_type: 'json', secret, ...(where === 'system' && { is_system_webhook: 'true' }) }
    const body = { type: 'gitea', active: true, events, config }
    return hookOf(await ask(hookShape, { method: 'POST', path: pathOf(where), body, what: 'create a webhook', ...options }))
  }

  async function deleteHook(where: HookPlace, id: number, options: CallOptions = {}): Promise<void> {
    await call({ method: 'DELETE', path: `${pathOf(where)}/${Number(id)}`, what: `delete webhook ${id}`, ...options })
  }

  return {
    async hooks(where: HookPlace, options: CallOptions = {}): Promise<Hook[]> {
      // without the word it shows only some of them, and a second one would be made beside the first
      const path = pathOf(where) + (where === 'system' ? '?type=all' : '')
      return (await all(hookShape, { path, what: 'list the webhooks', ...options })).map(hookOf)
    },

    createHook,
    deleteHook,

    /**
     * Makes a webhook what is wished, under a number of its own: Gitea never changes the secret of one that it has (1.27.3 answers 200 and
     * keeps the old one). The old one goes last, so that no push goes unheard.
     */
    async updateHook(where: HookPlace, id: number, wish: HookWish, options: CallOptions = {}): Promise<Hook> {
      const hook = await createHook(where, wish, options)
      await deleteHook(where, id, options)
      return hook
    },

    /** Has it sent a push of the newest commit, signed. It does nothing in a repository without a commit. */
    async testHook(repo: RepoName, id: number, options: CallOptions = {}): Promise<void> {
      const path = `${pathOf(repo)}/${Number(id)}/tests`
      await call({ method: 'POST', path, what: `test webhook ${id}`, ...options })
    },
  }
}
