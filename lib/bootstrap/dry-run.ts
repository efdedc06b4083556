import type { ClusterContext, Finding } from '#lib/cluster/component.ts'
import { safe } from '#lib/cli/untrusted.ts'
import { look } from './look.ts'
import type { Chosen } from './order.ts'

/** What a run would do with one component. No steps: nothing. */
export interface Planned {
  name: string
  title: string
  state: Finding['state'] | 'skipped' | 'unknown'
  reason?: string
  steps: string[]
}

/** What a run would do; nothing is changed, and what stands on something that is yet to be made is planned as absent. */
export async function dryRun(list: readonly Chosen[], ctx: ClusterContext): Promise<Planned[]> {
  const planned: Planned[] = []
  const toCome = new Set<string>()
  for (const { component, chosen } of list) {
    const { name, title } = component
    if (!chosen) {
      planned.push({ name, title, state: 'skipped', steps: [] })
      continue
    }
    const first = component.needs.find((need) => toCome.has(need))
    // what a missing cluster can't be asked is not there
    const seen =
      first && !component.withoutCluster
        ? { state: 'absent' as const, reason: `comes after ${first}` }
        : await look(component, ctx)
    const steps = seen.state === 'healthy' ? [] : await component.plan(ctx, seen)
    if (seen.state === 'absent') toCome.add(name)
    planned.push({ name, title, state: seen.state, ...(seen.reason && { reason: seen.reason }), steps })
  }
  return planned
}

/** The plan for a person: what each is, and below it what would be done. */
export function planText(planned: readonly Planned[]): string {
  const pending = planned.filter(({ steps }) => steps.length).length
  const lines = planned.flatMap(({ title, state, reason, steps }) => [
    `${title}: ${state}${reason ? ` (${safe(reason)})` : ''}`,
    ...steps.map((text) => `  - ${safe(text)}`),
  ])
  const sum = pending ? `${pending} of ${planned.length} components would be changed; nothing was.` : 'Nothing to do.'
  return [...lines, sum].join('\n')
}
