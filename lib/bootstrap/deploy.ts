import type { Spec } from '#lib/cli/spec.ts'
import type { Component } from '#lib/cluster/component.ts'
import { inOrder } from './order.ts'
import { clusterChoice } from './session.ts'

/** The command line of a recipe that installs one component. */
export const deploySpec = <Name extends string>(name: Name, summary: string) =>
  ({
    name,
    group: 'cluster',
    summary,
    flags: {
      preset: { type: 'string', choices: ['minimal', 'homelab', 'team', 'beast'], description: 'the size; remembered' },
      skip: { type: 'list', placeholder: '<component>', description: 'not this one: it counts as there; may be repeated' },
      ...clusterChoice,
      yes: { type: 'boolean', short: 'y', description: 'do not ask on a terminal' },
      'dry-run': { type: 'boolean', description: 'say what would be done, and touch nothing' },
      'exit-code': { type: 'boolean', description: 'with --dry-run: end with 1 when something would be done' },
      json: { type: 'boolean', description: 'one JSON document' },
    },
    examples: [`just ${name} --dry-run`],
  }) as const satisfies Spec

/** A component and all that it needs, near and far, in order. */
export function withNeeds(name: string, components: readonly Component[]): string[] {
  const wanted = new Set([name])
  const ordered = inOrder(components)
  for (const one of ordered.toReversed()) if (wanted.has(one.name)) for (const need of one.needs) wanted.add(need)
  return ordered.map((one) => one.name).filter((one) => wanted.has(one))
}
