#!/usr/bin/env node
/** Run the control plane: webhooks, API, pages, and the upkeep of queue and cluster. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { chosenCluster, clusterFlags } from '#lib/cluster/chosen.ts'
import { loadConfig } from '#lib/config.ts'
import { env, files } from '#lib/contract.ts'
import { UnreachableError, UsageError } from '#lib/errors.ts'
import { shownUrl } from '#lib/queue/connect.ts'
import { isLoopback } from '#lib/server/http/listen.ts'
import { storyJson, storyLine, type Say } from '#lib/server/say.ts'
import { webhookSecrets } from '#lib/server/webhook-secret.ts'

export const spec = {
  name: 'serve',
  group: 'pool',
  summary: 'Run the control plane: webhooks, API, pages, and the upkeep of queue and cluster',
  flags: {
    host: { type: 'string', description: 'address to listen on', default: '127.0.0.1', placeholder: '<address>' },
    port: {
      type: 'number',
      description: 'port to listen on; 0: a free one, noted in RAIBID_HOME/run/serve.url',
      default: 0,
      placeholder: '<n>',
    },
    ...clusterFlags,
    log: { type: 'string', description: 'form of the story on stderr: text or json', default: 'text', placeholder: '<form>' },
    stalled: {
      type: 'duration',
      description: 'how long work may wait for KEDA before Jobs are created in its place; default: 15s',
    },
  },
  examples: ['just serve', 'just serve --cluster', 'just serve --kubeconfig ~/.kube/spark'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  if (!['text', 'json'].includes(args.log)) throw new UsageError(`--log: ${JSON.stringify(args.log)} is neither text nor json`)
  const config = await loadConfig()
  const { redisUrl } = config
  if (!redisUrl) throw new UnreachableError(`there is no queue: start the local pool with \`just up\`, or set ${env.redisUrl}`)
  const kube = chosenCluster(args)
  const local = isLoopback(args.host)
  const secrets = webhookSecrets(config.home, process.env, local)
  if (!local && !process.env[env.webhookSecret])
    throw new UsageError(
      `--host ${args.host} can be reached by others: set ${env.webhookSecret} to the secret under which forges sign`,
    )
  const { serve } = await import('#lib/server/serve.ts')
  const line = args.log === 'json' ? storyJson : storyLine
  const say: Say = (area, what, facts) => info(line(new Date(), area, what, facts))
  const ended = new AbortController()
  signal.addEventListener('abort', () => ended.abort())
  // to be ended is what it is for: SIGTERM is no failure
  process.removeAllListeners('SIGTERM')
  process.once('SIGTERM', () => ended.abort())
  // the pool that started us was killed: the next one starts its own
  if (process.channel) process.once('disconnect', () => ended.abort())
  const [pidFile, urlFile] = [join(config.home, files.servePid), join(config.home, files.serveUrl)]
  mkdirSync(dirname(pidFile), { recursive: true, mode: 0o700 })
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  say('serve', 'started', { pid: process.pid, redis: shownUrl(redisUrl) })
  try {
    await serve({
      ...{ config, redisUrl, kube, secrets, host: args.host, port: args.port },
      ...{ namespace: args.namespace, bound: args.stalled, signal: ended.signal, say },
      onListen(url) {
        writeFileSync(urlFile, `${url}\n`, { mode: 0o600 })
        say('serve', 'listens', { url, public: config.publicUrl ?? undefined })
        say(
          'serve',
          `does: webhooks, API, pages, metrics; keeps the queue${kube ? `; watches pods and Jobs in namespace ${args.namespace}, creates Jobs when KEDA does not` : ''}`,
        )
      },
    })
  } finally {
    // another that was started since has written its own
    if (readPid(pidFile) === process.pid) for (const file of [pidFile, urlFile]) rmSync(file, { force: true })
  }
  say('serve', 'ended')
  return 0
}

function readPid(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}

if (import.meta.main) await main(spec, run)
