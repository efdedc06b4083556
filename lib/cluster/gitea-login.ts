import { giteaAdmin, type GiteaAdmin } from '#lib/forge/gitea-admin.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext, Settings } from './component.ts'
import { giteaUrl } from './gitea-url.ts'
import { kept, type Secret } from './secret.ts'
import type { Ref } from './types.ts'

/** As much of a context as it takes to ask. */
export type Asking = Pick<ClusterContext, 'kube' | 'signal'> & { settings: Pick<Settings, 'existing'> }

const where = `Secret ${cluster.infrastructure}/${cluster.giteaAdminSecret}`

/** The cluster's Gitea, as its administrator; null where no password has been made yet. */
export async function giteaLogin(ctx: Asking): Promise<(GiteaAdmin & { login: { user: string; password: string } }) | null> {
  const { giteaAdminSecret: name, infrastructure: namespace } = cluster
  const found = await (
    await ctx.kube()
  ).get<Secret & Ref>({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } }, ctx.signal)
  const options = { existing: found ? [found] : [], random: () => Buffer.alloc(0) }
  const [user, password] = [kept(options, name, 'username'), kept(options, name, 'password')]
  if (!user || !password) return null
  const login = { user, password }
  return { ...giteaAdmin(await giteaUrl(ctx), login, { signal: ctx.signal }), login }
}

/** The same, for what can't be done without. RaibidError that says what to do where the password isn't there, or isn't that one any more. */
export async function mustLogin(ctx: Asking): Promise<NonNullable<Awaited<ReturnType<typeof giteaLogin>>>> {
  const admin = await giteaLogin(ctx)
  if (!admin) throw new RaibidError(`${where} is missing or empty; run \`just bootstrap --only gitea\``)
  try {
    await admin.whoAmI()
    return admin
  } catch (error) {
    if (error instanceof RefusedError && error.status === 401)
      throw new RaibidError(
        `Gitea at ${admin.url} does not take the password in ${where}: one of the two was changed; write into the Secret what ${admin.login.user} logs in with`,
      )
    throw error
  }
}
