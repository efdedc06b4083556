import { randomBytes } from 'node:crypto'
import { cluster, routes } from '#lib/contract.ts'
import { events } from '#lib/forge/hooked.ts'
import type { GiteaAdmin } from '#lib/forge/gitea-admin.ts'
import { agentSecret as agentKey } from '../agent-secret.ts'
import type { ClusterContext, Component } from '../component.ts'
import { giteaLogin, mustLogin } from '../gitea-login.ts'
import { tokenStep, type TokenWish } from '../gitea-token.ts'
import { ensureHook, hookLack, type ClusterHook } from '../hook-wish.ts'
import type { Kube } from '../kube.ts'
import { serveSecret } from '../serve-secret.ts'
import type { Secret, SecretOptions } from '../secret.ts'
import { nameOf } from '../object.ts'
import type { Ref } from '../types.ts'

const { namespace, infrastructure, configOwner: owner, configRepo, giteaAddress, agentSecret, serveSecret: serveName } = cluster
const config = { owner, name: configRepo }

/** Everything pushed to this Gitea is told to serve. */
export const serveHook: ClusterHook = {
  where: 'system',
  url: `http://${cluster.serve}.${namespace}.svc:${cluster.servePort}${routes.webhook('gitea')}`,
  events: events.gitea,
  secret: { namespace, name: serveName, key: 'webhook-secret' },
}

/**
 * Agents run other people's code: theirs reads, and only what its user is let into. serve says what became of commits, of any repository. Who runs
 * bootstrap makes mirrors, their organisations and their webhooks.
 */
export const tokensOf = (administrator: string): TokenWish[] => [
  { user: administrator, title: 'serve', scopes: ['write:repository'], namespace, secret: serveName, key: 'gitea-token' },
  {
    ...{
      user: administrator,
      title: 'console',
      scopes: ['write:repository', 'write:organization', 'write:package', 'read:user'],
    },
    ...{ namespace: infrastructure, secret: cluster.giteaConsoleSecret, key: 'token' },
  },
  {
    ...{ user: 'agents', title: 'agents', scopes: ['read:repository'], namespace, secret: agentSecret, key: 'git-credentials' },
    write: (token) => `${giteaAddress}\tagents\t${token}\n`,
    read: (text) =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${giteaAddress}\t`))
        ?.split('\t')[2],
  },
]

interface Step {
  why: string
  do: () => Promise<void>
}

/** What is missing at Gitea, in order, each with how to make it. Asks, and changes nothing. */
async function steps(ctx: ClusterContext, admin: GiteaAdmin & { login: { user: string } }): Promise<Step[]> {
  const kube = await ctx.kube()
  const list: Step[] = []
  const hasOrg = await admin.hasOrg(owner)
  if (!hasOrg) list.push({ why: `there is no organisation ${owner}`, do: () => admin.makeOrg(owner) })
  const hasRepo = hasOrg && (await admin.repo(config)) !== null
  if (!hasRepo)
    list.push({
      why: `there is no repository ${owner}/${configRepo}`,
      do: () => admin.makeRepo(config, 'What the cluster is made of: Flux applies what is pushed here'),
    })
  const hasUser = await admin.hasUser('agents')
  if (!hasUser)
    list.push({ why: 'there is no user agents', do: () => admin.makeUser('agents', randomBytes(24).toString('base64url')) })
  // of who isn't there Gitea refuses to say what they may
  if (!hasRepo || !hasUser || !(await admin.mayWork(config, 'agents')))
    list.push({ why: `agents may not read ${owner}/${configRepo}`, do: () => admin.letWork(config, 'agents', 'read') })
  for (const make of [serveSecret, agentKey]) list.push(...(await secretStep(kube, make, ctx.signal)))
  for (const wish of tokensOf(admin.login.user)) {
    const step = await tokenStep(kube, admin, wish, ctx.signal)
    if (step) list.push(step)
  }
  const why = await hookLack(kube, admin, serveHook, ctx.signal)
  if (why) list.push({ why, do: () => ensureHook(kube, admin, serveHook, ctx.signal) })
  return list
}

/** What serve and agents read when they start, so it is there before Flux starts them. What exists is kept. */
async function secretStep(kube: Kube, make: (options: SecretOptions) => Secret, signal: AbortSignal): Promise<Step[]> {
  const empty = make({ random: randomBytes })
  const found = await kube.get<Secret & Ref>(empty, signal)
  const lacking = Object.keys(empty.data).filter((key) => !found?.data?.[key])
  if (!lacking.length) return []
  const wish = make({ random: randomBytes, ...(found && { existing: [found] }) })
  const why = `${nameOf(wish)} has no ${lacking.join(', ')}`
  return [{ why, do: async () => void (await kube.apply(wish, { force: true })) }]
}

export const giteaSetup: Component = {
  name: 'gitea-setup',
  title: 'Gitea’s organisation, config repository, tokens and webhook',
  needs: ['gitea'],
  async check(ctx) {
    if (!(await giteaLogin(ctx))) return { state: 'absent' }
    const admin = await mustLogin(ctx)
    const missing = (await steps(ctx, admin)).map(({ why }) => why)
    if (!missing.length) return { state: 'healthy' }
    if (!(await admin.hasOrg(owner))) return { state: 'absent' }
    return { state: 'degraded', reason: missing[0]!, evidence: missing }
  },
  async plan(ctx, { state }) {
    if (state !== 'absent') return (await steps(ctx, await mustLogin(ctx))).map(({ why }) => `mend: ${why}`)
    return [
      `make the organisation ${owner} and its repository ${configRepo}`,
      ...tokensOf('the administrator').map(
        (one) => `make a token of ${one.user} for ${one.scopes.join(', ')} in Secret ${one.namespace}/${one.secret}`,
      ),
      `make a webhook of all of Gitea to ${serveHook.url}`,
    ]
  },
  async apply(ctx) {
    const admin = await mustLogin(ctx)
    for (const step of await steps(ctx, admin)) {
      ctx.signal.throwIfAborted()
      ctx.say(step.why)
      await step.do()
    }
  },
}
