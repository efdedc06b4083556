#!/usr/bin/env node
/** Reach the queue of a cluster whose insides this machine doesn't see. */
import { once } from 'node:events'
import type { Args, Spec } from '#lib/cli/args.ts'
import { ok, printJson, warn } from '#lib/cli/log.ts'
import { main, type Context } from '#lib/cli/main.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { UsageError } from '#lib/errors.ts'

export const spec = {
  name: 'connect',
  group: 'cluster',
  summary: 'Reach the queue of the cluster from a machine outside of it, until Ctrl-C',
  flags: {
    port: { type: 'number', description: 'port of 127.0.0.1; default: a free one', placeholder: '<port>', min: 0 },
    json: { type: 'boolean', description: 'print { port, pid } when it is open' },
  },
  examples: ['just connect', 'just connect --port 6380'],
} satisfies Spec

export async function run(args: Args<typeof spec>, { signal }: Context): Promise<number> {
  const { port: listen = 0 } = args
  if (listen > 65_535) throw new UsageError(`--port: ${listen} is not a port: 0 to 65535`)
  const [{ loadConfig }, { cluster }, { openKube }, { loadLogin }, { forward }, { noteConnect }] = await Promise.all([
    import('#lib/config.ts'),
    import('#lib/contract.ts'),
    import('#lib/cluster/kube.ts'),
    import('#lib/cluster/kubeconfig.ts'),
    import('#lib/cluster/forward.ts'),
    import('#lib/cluster-access.ts'),
  ])
  const { home, cluster: access } = await loadConfig()
  if (!access)
    throw new UsageError(
      'there is no cluster to connect to: make one with `just bootstrap`, and set no other Redis; a local pool goes before it while it is at work',
    )
  const kube = await openKube(access.kube)
  const ref = { apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.redisAppSecret, namespace: cluster.namespace } }
  const secret = await kube.get<typeof ref & { data?: { url?: string } }>(ref, signal).finally(() => kube.close())
  if (!secret?.data?.url)
    throw new UsageError(`Secret ${cluster.namespace}/${cluster.redisAppSecret} has no url; run \`just bootstrap\``)
  const url = new URL(Buffer.from(secret.data.url, 'base64').toString())
  const to = { namespace: cluster.infrastructure, pod: `${cluster.redis}-0`, port: Number(url.port) || 6379 }
  const forwarding = await forward(await loadLogin(access.kube), to, { listen, tell: (text) => warn(safe(text)) })
  let forget = (): void => {}
  try {
    Object.assign(url, { hostname: '127.0.0.1', port: String(forwarding.port) })
    forget = noteConnect(home, url.href)
    if (args.json) printJson({ port: forwarding.port, pid: process.pid })
    ok(
      `The queue of ${safe(kube.server)} is open on 127.0.0.1:${forwarding.port}: just jobs, just tail and the others find it. Ctrl-C ends it.`,
    )
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    forget()
    await forwarding.close()
  }
  return 0
}

if (import.meta.main) await main(spec, run)
