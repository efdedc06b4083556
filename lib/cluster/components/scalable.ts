import { cluster } from '#lib/contract.ts'
import type { ClusterContext, Finding } from '../component.ts'
import { poolStateOf } from '../scaled-job-change.ts'
import { kinds, type ScaledJob } from '../types.ts'

/** What KEDA says of the pools: each is looked at, or why it isn't. */
export async function scalable(ctx: ClusterContext): Promise<Finding> {
  const { items } = await (await ctx.kube()).list<ScaledJob>({ ...kinds.scaledJob, namespace: cluster.namespace }, ctx.signal)
  const wrong = items.flatMap((one) => {
    const ready = one.status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.status === 'True' || poolStateOf(one).paused !== null) return []
    const why = ready ? (ready.message ?? ready.reason ?? 'not ready') : 'KEDA has not looked at it yet'
    return [`pool ${poolStateOf(one).pool}: ${why}`]
  })
  if (wrong.length) return { state: 'degraded', reason: wrong[0]!, evidence: wrong }
  const text = items.map((one) => {
    const { pool, max, paused } = poolStateOf(one)
    return `${pool} ${paused === null ? `up to ${max}` : `paused (${paused})`}`
  })
  return { state: 'healthy', reason: text.join(', ') }
}
