import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { readNoted, type ClusterAccess } from '#lib/cluster-access.ts'
import { cluster, files } from '#lib/contract.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { writeWhole } from '#lib/pool/state.ts'
import { connectTask } from '#lib/queue/connect.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import { giteaUrl } from '../gitea-url.ts'
import { hostOfNodes } from '../node-address.ts'
import type { KubeObject } from '../types.ts'

interface Secret extends KubeObject {
  data?: Record<string, string>
}
interface Service extends KubeObject {
  spec?: { clusterIP?: string }
}

const { namespace, infrastructure } = cluster
const ref = (kind: 'Secret' | 'Service', name: string, where: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: where },
})

/** What is to be noted, but for whether Redis answers. RaibidError names what is missing in the cluster. */
async function wanted(ctx: ClusterContext): Promise<ClusterAccess & { redisUrl: string }> {
  const kube = await ctx.kube()
  const text = async (name: string, key: string, where: string): Promise<string> => {
    const found = (await kube.get<Secret>(ref('Secret', name, where), ctx.signal))?.data?.[key]
    if (!found) throw new RaibidError(`Secret ${where}/${name} has no ${key}; run \`just bootstrap\``)
    return Buffer.from(found, 'base64').toString()
  }
  const service = await kube.get<Service>(ref('Service', cluster.redis, infrastructure), ctx.signal)
  const address = service?.spec?.clusterIP
  if (!address || address === 'None') throw new RaibidError(`Service ${infrastructure}/${cluster.redis} has no address`)
  const redis = new URL(await text(cluster.redisAppSecret, 'url', namespace))
  // its name is known inside only; on a node its address is, too
  redis.hostname = address.includes(':') ? `[${address}]` : address
  const { existing } = ctx.settings
  const name = `http://${cluster.giteaAddress}`
  const url = existing ? await giteaUrl(ctx) : name
  return {
    kube: existing ?? { context: cluster.context },
    redisUrl: redis.href,
    secretKey: await text(cluster.agentSecret, 'secret-key', namespace),
    gitea: { url, aliases: url === name ? [] : [name], token: await text(cluster.giteaConsoleSecret, 'token', infrastructure) },
    serveUrl: ctx.config.publicUrl ?? `http://${await hostOfNodes(ctx)}:${cluster.serveNodePort}`,
  }
}

/** null: it answers. */
async function whyNoRedis(url: string): Promise<string | null> {
  try {
    const redis = await connectTask(url)
    redis.disconnect()
    return null
  } catch (error) {
    if (error instanceof UnreachableError) return error.message.split(';')[0]!
    throw error
  }
}

async function check(ctx: ClusterContext): Promise<Finding> {
  // what `just connect` has opened is not noted by us
  const there = readNoted(ctx.home)
  if (!there) return { state: 'absent' }
  const wish = await wanted(ctx)
  const stale = (Object.keys(wish) as (keyof ClusterAccess)[]).filter(
    (key) => !isDeepStrictEqual(there[key], wish[key]) && !(key === 'redisUrl' && there.redisUrl === null),
  )
  if (stale.length) return { state: 'degraded', reason: `what is noted here is not so any more: ${stale.join(', ')}` }
  const why = await whyNoRedis(wish.redisUrl)
  if (why === null && there.redisUrl === null) return { state: 'degraded', reason: 'the queue can be reached from here now' }
  if (why !== null && there.redisUrl !== null) return { state: 'degraded', reason: why }
  const pages = `pages: ${wish.serveUrl}, Gitea: ${wish.gitea.url}`
  return { state: 'healthy', reason: why === null ? pages : `${pages}; the queue is reached with just connect` }
}

/** The way from this machine to what was made: without it `just jobs`, `just tail` and `just mirror-repo` would know the local pool only. */
export const access: Component = {
  name: 'access',
  title: 'this machine’s way to the queue, Gitea and the pages',
  needs: ['redis', 'gitea-setup', 'pools', 'serve'],
  settlesWithinMs: 60_000,
  check,
  plan: async ({ home }) => [
    `note in ${join(home, files.clusterAccess)} how this machine reaches the queue, Gitea and the pages`,
  ],
  async apply(ctx) {
    const wish = await wanted(ctx)
    const why = await whyNoRedis(wish.redisUrl)
    // on a machine of its own cluster it has to answer; another one's network ends before it
    if (why !== null && !ctx.settings.existing) throw new UnreachableError(why)
    const file = join(ctx.home, files.clusterAccess)
    writeWhole(file, `${JSON.stringify({ ...wish, redisUrl: why === null ? wish.redisUrl : null })}\n`)
    giveBack([ctx.home, dirname(file), file])
  },
  async remove({ home }) {
    rmSync(join(home, files.clusterAccess), { force: true })
  },
}
