import type { Component } from '#lib/cluster/component.ts'
import { nearest } from '#lib/cli/nearest.ts'
import { RaibidError, UsageError } from '#lib/errors.ts'

/** The components with each one after all that it needs, else as they were given. RaibidError for a circle, or a need that there is not. */
export function inOrder(components: readonly Component[]): Component[] {
  const byName = new Map(components.map((one) => [one.name, one]))
  const done = new Set<Component>()
  const visit = (one: Component, way: readonly string[]): void => {
    if (done.has(one)) return
    if (way.includes(one.name))
      throw new RaibidError(
        `components need each other in a circle: ${[...way.slice(way.indexOf(one.name)), one.name].join(' → ')}`,
      )
    for (const name of one.needs) {
      const needed = byName.get(name)
      if (!needed) throw new RaibidError(`${one.name} needs ${name}, and there is no such component`)
      visit(needed, [...way, one.name])
    }
    done.add(one)
  }
  for (const one of components) visit(one, [])
  return [...done]
}

export interface Choice {
  /** Only these. */
  only?: readonly string[]
  /** This one and all that come after it. */
  from?: string | undefined
  /** Not these: they count as there. */
  skip?: readonly string[]
}

/** One component of the list, and whether it is to be worked on; `skipped`: the person says that it is there. */
export interface Chosen {
  component: Component
  chosen: boolean
  skipped: boolean
}

/** What is meant of an ordered list. UsageError for a name that there is not. */
export function choose(ordered: readonly Component[], { only = [], from, skip = [] }: Choice): Chosen[] {
  const names = ordered.map(({ name }) => name)
  const known = (name: string, flag: string): number => {
    const at = names.indexOf(name)
    if (at >= 0) return at
    const near = nearest(name, names)
    throw new UsageError(
      `${flag}: there is no component ${JSON.stringify(name.slice(0, 60))}${near ? `; did you mean ${near}?` : ` (${names.join(', ')})`}`,
    )
  }
  for (const name of only) known(name, '--only')
  for (const name of skip) known(name, '--skip')
  const first = from === undefined ? 0 : known(from, '--from')
  return ordered.map((component, at) => {
    const skipped = skip.includes(component.name)
    return { component, skipped, chosen: !skipped && at >= first && (!only.length || only.includes(component.name)) }
  })
}

/** All that need this one, near or far. */
export function needing(name: string, components: readonly Component[]): string[] {
  const found = new Set<string>()
  const visit = (of: string): void => {
    for (const one of components)
      if (one.needs.includes(of) && !found.has(one.name)) {
        found.add(one.name)
        visit(one.name)
      }
  }
  visit(name)
  return components.map((one) => one.name).filter((one) => found.has(one))
}

/** The command that goes on where one stopped; `lacks`: what has to be mended before. What was chosen besides is remembered. */
export function goOn(at: string, { skip = [], only = [] }: Choice, lacks?: string): string {
  const from = lacks ?? at
  const where = only.length
    ? [...new Set([...(lacks ? [lacks] : []), ...only])].map((name) => `--only ${name}`)
    : from
      ? [`--from ${from}`]
      : []
  return ['just bootstrap', ...where, ...skip.map((name) => `--skip ${name}`)].join(' ')
}
