#!/usr/bin/env node
/** Run the control plane: keeps the queue, and watches the pods of a cluster. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Args, Spec } from '#lib/cli/args.ts'
import { info } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { chosenCluster, clusterFlags } from '#lib/cluster/chosen.ts'
import { loadConfig } from '#lib/config.ts'
import { env, files } from '#lib/contract.ts'
import { UnreachableError } from '#lib/errors.ts'
import { shownUrl } from '#lib/queue/connect.ts'
import { storyLine, type Say } from '#lib/server/say.ts'

export const spec = {
  name: 'serve',
  group: 'pool',
  summary: 'Run the control plane: keep the queue, and watch the pods of a cluster',
  flags: {
    ...clusterFlags,
    stalled: {
      type: 'duration',
      description: 'how long work may wait for KEDA before Jobs are created in its place; default: 15s',
    },
  },
  examples: ['just serve', 'just serve --cluster', 'just serve --kubeconfig ~/.kube/spark'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const config = await loadConfig()
  const { redisUrl } = config
  if (!redisUrl) throw new UnreachableError(`there is no queue: start the local pool with \`just up\`, or set ${env.redisUrl}`)
  const kube = chosenCluster(args)
  const { serve } = await import('#lib/server/serve.ts')
  const say: Say = (area, what, facts) => info(`${new Date().toISOString()} ${storyLine(area, what, facts)}`)
  const ended = new AbortController()
  signal.addEventListener('abort', () => ended.abort())
  // to be ended is what it is for: SIGTERM is no failure
  process.removeAllListeners('SIGTERM')
  process.once('SIGTERM', () => ended.abort())
  const pidFile = join(config.home, files.servePid)
  mkdirSync(dirname(pidFile), { recursive: true, mode: 0o700 })
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  say('serve', 'started', { pid: process.pid, redis: shownUrl(redisUrl) })
  say(
    'serve',
    `does: keeps the queue${kube ? `; watches pods and Jobs in namespace ${args.namespace}, creates Jobs when KEDA does not` : ''}`,
  )
  say('serve', `does not: webhooks, dashboard, API${kube ? '' : '; no cluster: give --cluster or --kubeconfig to watch one'}`)
  try {
    await serve({ config, redisUrl, kube, namespace: args.namespace, bound: args.stalled, signal: ended.signal, say })
  } finally {
    // another that was started since has written its own
    if (readPid(pidFile) === process.pid) rmSync(pidFile, { force: true })
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
