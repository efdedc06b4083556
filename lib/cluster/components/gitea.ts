import { cluster } from '#lib/contract.ts'
import { whyUnreachable } from '#lib/unreachable.ts'
import { giteaSecrets } from '../gitea-secrets.ts'
import { giteaUrl } from '../gitea-url.ts'
import { partsOf } from '../parts.ts'
import { kept, type Secret } from '../secret.ts'
import type { Ref } from '../types.ts'
import { applied } from './applied.ts'

const adminRef = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: cluster.giteaAdminSecret, namespace: cluster.infrastructure },
}

export const gitea = applied({
  name: 'gitea',
  title: 'Gitea and its registry',
  needs: ['postgres'],
  losesData: 'Gitea’s repositories, packages and images',
  // the image is large, and the first start makes the tables
  settlesWithinMs: 600_000,
  objects: ({ config, settings }) => partsOf(config, settings).gitea,
  secrets: giteaSecrets,
  // what PostgreSQL was made with stays as long as PostgreSQL
  others: [cluster.giteaDatabaseSecret],
  async answers(ctx) {
    const url = await giteaUrl(ctx)
    const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(5000)])
    try {
      const answer = await fetch(`${url}/api/healthz`, { signal })
      return answer.ok ? { state: 'healthy', reason: url } : { state: 'degraded', reason: `${url} answers ${answer.status}` }
    } catch (error) {
      return {
        state: 'degraded',
        reason: `its pod is ready, but ${url} can’t be reached from here: ${whyUnreachable(error, 5000)}`,
      }
    }
  },
  async credentials(ctx) {
    const secret = await (await ctx.kube()).get<Secret & Ref>(adminRef, ctx.signal)
    const options = { existing: secret ? [secret] : [], random: () => Buffer.alloc(0) }
    const user = kept(options, cluster.giteaAdminSecret, 'username')
    return [
      {
        name: 'Gitea’s administrator',
        ...(user && { user }),
        url: `http://${cluster.giteaAddress}`,
        where: `Secret ${cluster.infrastructure}/${cluster.giteaAdminSecret}`,
        secret: kept(options, cluster.giteaAdminSecret, 'password') ?? null,
      },
    ]
  },
})
