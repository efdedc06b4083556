/** A plan, and what became of it, for people and as JSON. */
import colours from 'picocolors'
import { formatBytes } from '#lib/bytes.ts'
import { wantsColour } from '#lib/cli/log.ts'
import { table } from '#lib/cli/table.ts'
import type { Outcome } from './apply.ts'
import type { Plan } from './plan.ts'
import { stepKinds, type Step } from './step.ts'

const paints = {
  create: 'green',
  update: 'cyan',
  rename: 'cyan',
  transfer: 'cyan',
  orphan: 'yellow',
  refused: 'red',
  nothing: 'dim',
} as const

/** What changes, and what is refused; not what stays as it is. */
export function planTable(steps: readonly Step[], outcomes: ReadonlyMap<Step, Outcome> | null = null): string {
  const paint = colours.createColors(wantsColour(1))
  const rows = steps.filter(({ kind, actions }) => kind === 'refused' || actions.length > 0)
  return table(rows, [
    { title: 'CHANGE', value: ({ kind }) => kind, style: (cell, { kind }) => paint[paints[kind]](cell) },
    { title: 'MIRROR', value: ({ mirror }) => mirror },
    { title: 'CLONE', value: ({ bytes, actions }) => sizeOf(bytes, actions) },
    ...(outcomes
      ? [
          {
            title: 'RESULT',
            value: (step: Step) => resultOf(step, outcomes),
            style: (cell: string, step: Step) => (resultOf(step, outcomes) === 'done' ? cell : paint.red(cell)),
          },
        ]
      : []),
    { title: 'WHY', value: (step) => [step.reason, outcomes?.get(step)?.why].filter(Boolean).join(': ') },
  ])
}

/** `12 to create (3.4 GiB), 2 to update, 1 refused; 186 as they should be`. */
export function summary(steps: readonly Step[]): string {
  const parts = stepKinds.flatMap((kind) => {
    const some = steps.filter((step) => step.kind === kind)
    if (!some.length || kind === 'nothing') return []
    const bytes = some.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
    const unknown = some.some((step) => step.bytes === null)
    const size = bytes ? ` (${unknown ? 'at least ' : ''}${formatBytes(bytes)})` : ''
    return [kind === 'refused' ? `${some.length} refused` : `${some.length} to ${words[kind]}${size}`]
  })
  const quiet = steps.filter(({ kind }) => kind === 'nothing').length
  return `${parts.join(', ') || 'nothing to do'}; ${quiet} as ${quiet === 1 ? 'it' : 'they'} should be`
}

const words = { create: 'create', update: 'update', rename: 'rename', transfer: 'transfer', orphan: 'lay aside' } as const

export interface RunFacts {
  requests: number
  unchanged: number
  ms: number
}

/** One document; what a step would do is named by its calls. */
export function planJson(plan: Plan, facts: RunFacts, outcomes: ReadonlyMap<Step, Outcome> | null = null): object {
  const counts = Object.fromEntries(stepKinds.map((kind) => [kind, plan.steps.filter((step) => step.kind === kind).length]))
  const steps = plan.steps.map((step) => {
    const { kind, mirror, source, reason, rule, bytes, actions } = step
    const outcome = outcomes?.get(step)
    const done = outcomes && {
      state: outcome?.state ?? (kind === 'refused' ? 'refused' : 'nothing'),
      error: outcome?.why ?? null,
    }
    return { kind, mirror, source, reason, rule, bytes, actions: actions.map((action) => action.do), ...done }
  })
  const { requests, unchanged, ms } = facts
  return { counts, refusal: plan.refusal, listing: { requests, unchanged }, ms, steps }
}

const resultOf = (step: Step, outcomes: ReadonlyMap<Step, Outcome>): string =>
  outcomes.get(step)?.state ?? (step.kind === 'refused' ? 'refused' : '')

const sizeOf = (bytes: number | null, actions: Step['actions']): string =>
  !actions.some((action) => action.do === 'clone') ? '' : bytes === null ? '?' : formatBytes(bytes)
