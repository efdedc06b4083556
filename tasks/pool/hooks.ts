#!/usr/bin/env node
/** Have forges tell serve of pushes. */
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import { loadConfig, type Config } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { hookRepository, type HookChange } from '#lib/forge/hooked.ts'
import { serveAddress } from '#lib/server/serve-address.ts'
import { webhookSecrets } from '#lib/server/webhook-secret.ts'

export const spec = {
  name: 'hooks',
  group: 'pool',
  summary: 'Have forges tell serve of pushes: put our webhook on repositories',
  positionals: [
    { name: 'repos', description: 'clone URLs of repositories on the forges of raibid.yaml', required: true, variadic: true },
  ],
  flags: {
    url: {
      type: 'string',
      description: 'where the forge reaches serve; default: publicUrl, else its own address',
      placeholder: '<url>',
    },
    renew: { type: 'boolean', description: 'give the webhook the secret anew' },
    remove: { type: 'boolean', description: 'take it away' },
    test: { type: 'boolean', description: 'have the forge send a signed delivery: it builds the newest commit' },
    json: { type: 'boolean', description: 'one JSON document' },
  },
  examples: ['just hooks https://git.example.org/me/app.git --test', 'just hooks https://github.com/me/app --remove'],
} satisfies Spec

const words: Record<HookChange['did'], string> = {
  created: 'has the webhook now',
  kept: 'has the webhook already',
  updated: 'has the webhook, set anew',
  removed: 'has the webhook no more',
  nothing: 'had no webhook of ours',
}

export async function run(args: Args<typeof spec>): Promise<number> {
  const config = await loadConfig()
  const address = addressOf(args.url, config)
  const [secret] = await secretsOf(config)
  if (!secret && !args.remove)
    throw new UsageError(`there is no secret to sign with: start serve once (just up), or set ${env.webhookSecret}`)
  const { remove, test, renew } = args
  const done: HookChange[] = []
  for (const repo of args.repos) {
    const change = await hookRepository(config.forges, repo, { address, secret: secret ?? '', remove, test, renew })
    done.push(change)
    if (!args.json)
      ok(
        `${change.what} on ${change.forge} ${words[change.did]}: ${change.url}${change.tested ? '; a delivery is on its way' : ''}`,
      )
  }
  if (args.json) printJson(done)
  return 0
}

/** Those of whom it is that is told: of the cluster that bootstrap made from here, else of the serve of this home. */
async function secretsOf({ home, cluster }: Config): Promise<string[]> {
  if (!cluster || process.env[env.webhookSecret]) return webhookSecrets(home, process.env, false)
  const { clusterWebhookSecret } = await import('#lib/cluster/serve-secret.ts')
  return [await clusterWebhookSecret(cluster.kube)]
}

/** Where the forge is to send. UsageError when that is not known. */
function addressOf(given: string | undefined, config: Config): string {
  if (given !== undefined && !/^https?:\/\/[^\s?#]+$/.test(given))
    throw new UsageError(`--url: ${JSON.stringify(given.slice(0, 100))} is not a URL`)
  const url = given?.replace(/\/+$/, '') ?? serveAddress(config)
  if (!url) throw new UsageError('serve does not run here: start it (just up), or give --url')
  return url
}

if (import.meta.main) await main(spec, run)
