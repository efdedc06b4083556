import type { ClusterContext, Component, Finding } from '#lib/cluster/component.ts'
import { ApiError } from '#lib/cluster/api-error.ts'
import { unlessInterrupted } from './interrupted.ts'
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'

/** There is no cluster to be asked: none has been made, and none was named. */
export class NoClusterError extends UnreachableError {
  override name = 'NoClusterError'
}

/** A finding, and whether it only says that nothing could be asked. */
export interface Seen extends Finding {
  unreachable?: boolean
}

const longest = 60_000

/** What a component finds, whatever happens on the way: what it throws makes it degraded, and where there is no cluster it is absent. */
export async function look(component: Component, ctx: ClusterContext, withinMs = longest): Promise<Seen> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RaibidError(`its state was not known within ${withinMs / 1000} s`)), withinMs)
  })
  try {
    return await unlessInterrupted(Promise.race([component.check(ctx), late]), ctx.signal, 0)
  } catch (error) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    return seenOf(error)
  } finally {
    clearTimeout(timer)
  }
}

function seenOf(error: unknown): Seen {
  if (error instanceof NoClusterError) return { state: 'absent', reason: error.message }
  const reason = messageOf(error).split('\n')[0] || 'it failed without a message'
  if (error instanceof UnreachableError) return { state: 'degraded', reason, unreachable: true }
  // what isn't one of ours is a fault of a check: it must not end the others
  return {
    state: 'degraded',
    reason: error instanceof RaibidError || error instanceof ApiError ? reason : `its check broke: ${reason}`,
  }
}

/** All side by side. */
export const lookAll = async (components: readonly Component[], ctx: ClusterContext): Promise<Map<string, Seen>> =>
  new Map(await Promise.all(components.map(async (one) => [one.name, await look(one, ctx)] as const)))
