import { UnreachableError } from '#lib/errors.ts'
import type { Asking } from './gitea-login.ts'
import { kinds, type KubeObject } from './types.ts'

interface Node extends KubeObject {
  status?: { addresses?: { type: string; address: string }[] }
}

/** The address of the cluster's first node, as a URL's host. UnreachableError while none has one. */
export async function hostOfNodes(ctx: Asking): Promise<string> {
  const { items } = await (await ctx.kube()).list<Node>(kinds.node, ctx.signal)
  const address = items.flatMap(({ status }) => status?.addresses ?? []).find(({ type }) => type === 'InternalIP')?.address
  if (!address) throw new UnreachableError('no node of the cluster has an address')
  return address.includes(':') ? `[${address}]` : address
}
