/** What a new mirror sets off: its pushes are heard by serve, and its default branch is built where its rule says so. */
import { asInside } from '#lib/cluster-access.ts'
import type { Config } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'
import { hookOrganisation, hookRepository } from '#lib/forge/hooked.ts'
import type { OwnerKind } from '#lib/forge/gitea-mirrors.ts'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { Open } from '#lib/jobs/open.ts'
import { decide } from '#lib/server/hooks/policy.ts'
import { serveAddress } from '#lib/server/serve-address.ts'
import { webhookSecrets } from '#lib/server/webhook-secret.ts'
import type { OurGitea } from './place.ts'

export interface AnnounceOptions {
  config: Config
  gitea: OurGitea
  /** By name; what is not among them is an organisation. */
  owners: ReadonlyMap<string, OwnerKind | null>
  /** Told what could not be done: the mirror is there all the same. */
  warn: (text: string) => void
}

/** Announces mirrors, each as often as wished: a webhook is made once for each owner, and the same mirror is the same job. */
export function announcer({ config, gitea, owners, warn }: AnnounceOptions) {
  const hooked = new Map<string, Promise<void>>()
  const said = new Set<string>()
  let queue: Promise<Open> | undefined
  const once = (text: string): void => {
    if (!said.has(text)) warn(text)
    said.add(text)
  }

  /** One webhook for an organisation; a user has none for all, so each repository gets its own. */
  async function hook(mirror: GiteaRepo): Promise<void> {
    const { owner } = mirror
    // all of the cluster's own Gitea tells serve already, signed by a secret that is not this home's
    if (config.cluster?.gitea.url === gitea.forge.url) return
    const address = serveAddress(config)
    const [secret] = webhookSecrets(config.home, process.env, false)
    // without serve nobody listens; when it runs, the next new mirror or just hooks makes up for it
    if (!address || !secret) return
    const kind = [...owners].find(([name]) => name.toLowerCase() === owner.toLowerCase())?.[1] ?? 'organisation'
    const usual = { remove: false, test: false, renew: false }
    if (kind === 'user') await hookRepository(config.forges, gitea.addressOf(mirror), { address, secret, ...usual })
    else await hookOrganisation(gitea.forge, owner, { address, secret })
  }

  async function build(mirror: GiteaRepo): Promise<void> {
    const { owner, name, cloneUrl, empty, id } = mirror
    if (empty) return
    const now = await gitea.client.found(mirror)
    const branch = now?.defaultBranch || mirror.defaultBranch
    const commit = (await gitea.client.heads(mirror))[branch]
    if (!commit) return once(`${owner}/${name} has no branch ${branch} to build`)
    const url = asInside(cloneUrl, config.cluster)
    const repo = { forge: 'gitea', name: `${owner}/${name}`, url, defaultBranch: branch } as const
    const push = { kind: 'push', repo, ref: { kind: 'branch', name: branch }, commit, before: null, forced: false } as const
    const more = { message: 'first build of a new mirror', author: '', commitAt: 0, files: null }
    const decision = decide({ ...push, ...more }, config.repositories)
    if (decision.do !== 'build') return once(`${owner}/${name} is not built: ${decision.reason}`)
    const [{ openQueue }, { deliver }, { producer }] = await Promise.all([
      import('#lib/jobs/open.ts'),
      import('#lib/server/hooks/deliver.ts'),
      import('#lib/queue/producer.ts'),
    ])
    const { redis, reader, limits, pools } = await (queue ??= openQueue(config))
    const jobs = producer(redis, limits, pools)
    const options = {
      redis,
      jobs,
      reader,
      home: config.home,
      key: config.cluster?.secretKey,
      env: process.env,
      sync: () => Promise.resolve(),
    }
    await deliver(options, 'first build', `${gitea.forge.url}/${id}`, decision)
  }

  return {
    async announce(mirror: GiteaRepo, wished: boolean): Promise<void> {
      const place = mirror.owner.toLowerCase()
      const key = owners.get(mirror.owner) === 'user' ? mirror.cloneUrl : place
      const hooking = hooked.get(key) ?? hook(mirror)
      hooked.set(key, hooking)
      await hooking.catch((error: unknown) => once(`no webhook for ${mirror.owner}: ${messageOf(error)}`))
      if (wished)
        await build(mirror).catch((error: unknown) => once(`${mirror.owner}/${mirror.name} is not built: ${messageOf(error)}`))
    },
    async close(): Promise<void> {
      const open = await queue?.catch(() => null)
      open?.redis.disconnect()
    },
  }
}
