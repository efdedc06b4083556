import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markIn, markOf, sameSource } from '#lib/mirror/identity.ts'
import { changesOf, planMirrors, type Plan } from '#lib/mirror/plan.ts'
import { decideAll } from '#lib/mirror/rules.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import type { MirrorRule } from '#lib/mirror/types.ts'
import { aRule, aSource, GiteaModel, inOrder, type Kept } from '#test/helpers/gitea-model.ts'

function planOf(model: GiteaModel, rule: MirrorRule): Plan {
  const repos = model.sources.filter(({ owner }) => owner === 'org')
  const found = [{ rule, repos }]
  const whereabouts = new Map(model.sources.map((source) => [markOf(source), source.cloneUrl]))
  return planMirrors({ found, decisions: decideAll(found), failed: [], existing: structuredClone(model.repos), whereabouts })
}

/** Carries a plan out, and is killed after so many actions; the last of them may be cut in its middle. */
function carryOut(
  model: GiteaModel,
  rule: MirrorRule,
  kill: { after: number; cut: boolean } | null,
  pick: (n: number) => number,
): void {
  let done = 0
  const { steps } = planOf(model, rule)
  for (const action of inOrder(steps, model, pick)) {
    if (kill && done === kill.after) {
      if (kill.cut && action.do === 'clone') model.act(action, true)
      return
    }
    model.act(action)
    done++
    nothingIsLost(model)
  }
}

let before = new Set<string>()
/** The sources whose own mirror has what they have. */
const contents = (model: GiteaModel): Set<string> =>
  new Set(
    model.repos.flatMap(({ content, topics }) =>
      content !== null && markIn(topics) === markOf({ forge: 'gitea', forgeUrl: 'https://src.example', id: content })
        ? content
        : [],
    ),
  )

/** Of each source that is still there, something whole stays in Gitea once it has been there. */
function nothingIsLost(model: GiteaModel): void {
  for (const id of before) {
    if (!model.sources.some((source) => source.id === id)) continue
    expect(
      model.repos.some(({ content, intervalMs }) => content === id && intervalMs !== null),
      `source ${id}`,
    ).toBe(true)
  }
}

function allIsWell(model: GiteaModel, rule: MirrorRule): void {
  const left = changesOf(planOf(model, rule))
  expect(left, JSON.stringify(left.map(({ kind, mirror, reason, actions }) => [kind, mirror, reason, actions]))).toEqual([])
  for (const source of model.sources.filter(({ owner }) => owner === 'org')) {
    const mirrors = model.repos.filter(({ topics }) => topics.includes(markOf(source)))
    expect(mirrors.map((repo) => [`${repo.owner}/${repo.name}`, sameSource(repo.source, source.cloneUrl), repo.content])).toEqual(
      [[`mirrors/${source.name}`, true, source.id]],
    )
  }
  expect(model.repos.filter(({ name }) => name.startsWith('rb-'))).toEqual([])
  expect(model.repos.every(({ topics }) => markIn(topics))).toBe(true)
}

type Change = (sources: ListedRepo[]) => ListedRepo[]
const renamed = (source: ListedRepo, name: string, owner = source.owner): ListedRepo =>
  aSource(source.id, name, { owner, description: source.description })
const changes: Record<string, Change> = {
  'is made': (all) => [...all, aSource('9', 'new')],
  'is renamed': ([a, ...rest]) => [renamed(a!, 'other'), ...rest],
  'is renamed by case': ([a, ...rest]) => [renamed(a!, a!.name.toUpperCase()), ...rest],
  'two swap their names': ([a, b, ...rest]) => [renamed(a!, b!.name), renamed(b!, a!.name), ...rest],
  'three change in a ring': ([a, b, c, ...rest]) => [renamed(a!, b!.name), renamed(b!, c!.name), renamed(c!, a!.name), ...rest],
  'is renamed, and another takes its name': ([a, ...rest]) => [renamed(a!, 'other'), aSource('8', a!.name), ...rest],
  'is renamed, and an older one takes its name': ([a, b, ...rest]) => [renamed(a!, 'other'), renamed(b!, a!.name), ...rest],
  'is deleted': ([, ...rest]) => rest,
  'is deleted and made anew': ([a, ...rest]) => [...rest, aSource('7', a!.name)],
  'goes to another account': ([a, ...rest]) => [renamed(a!, a!.name, 'elsewhere'), ...rest],
  'says another thing of itself': ([a, ...rest]) => [{ ...a!, description: 'else', topics: ['x', 'rb-evil'] }, ...rest],
}

const pick = () => 0
test.each(
  Object.entries(changes).flatMap(([name, change]) =>
    (['keep', 'archive', 'delete'] as const).map((orphans) => ({ name, change, orphans })),
  ),
)('a source $name (orphans: $orphans): killed at each point, the next run mends it', ({ change, orphans }) => {
  const rule = aRule({ orphans })
  const start = () => {
    const model = new GiteaModel([aSource('1', 'a'), aSource('2', 'b'), aSource('3', 'c'), aSource('4', 'd')])
    before = new Set()
    carryOut(model, rule, null, pick)
    allIsWell(model, rule)
    before = contents(model)
    model.sources = change(model.sources)
    return model
  }
  for (let after = 0; after < 30; after++)
    for (const cut of [false, true]) {
      const model = start()
      carryOut(model, rule, { after, cut }, pick)
      carryOut(model, rule, null, pick)
      allIsWell(model, rule)
    }
})

test('any changes, any kills, any order: no duplicate, no loss', () => {
  const kinds = Object.values(changes)
  const round = fc.record({
    change: fc.nat({ max: kinds.length - 1 }),
    kills: fc.array(fc.record({ after: fc.nat({ max: 25 }), cut: fc.boolean() }), { maxLength: 3 }),
    sync: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(round, { maxLength: 4 }),
      fc.infiniteStream(fc.nat()),
      fc.constantFrom('keep', 'archive'),
      (rounds, stream, orphans) => {
        const rule = aRule({ orphans })
        const choose = (n: number): number => (stream.next().value as number) % n
        before = new Set()
        const model = new GiteaModel([aSource('1', 'a'), aSource('2', 'b'), aSource('3', 'c'), aSource('4', 'd')])
        let fresh = 100
        for (const { change, kills, sync } of [{ change: -1, kills: [], sync: false }, ...rounds]) {
          if (model.sources.length >= 3 && change >= 0)
            model.sources = distinct(kinds[change]!(model.sources), () => String(fresh++))
          if (sync) model.sync()
          // what Gitea itself has fetched from an address that is another's now is not for us to save
          before = contents(model)
          for (const kill of kills) carryOut(model, rule, kill, choose)
          carryOut(model, rule, null, choose)
          allIsWell(model, rule)
        }
      },
    ),
    { numRuns: 300 },
  )
})

/** Ids that were never there before, and one of each name. */
function distinct(sources: ListedRepo[], fresh: () => string): ListedRepo[] {
  const seen = new Set<string>()
  return sources.flatMap((source) => {
    const place = `${source.owner}/${source.name}`.toLowerCase()
    if (seen.has(place)) return []
    seen.add(place)
    return ['7', '8', '9'].includes(source.id) ? [{ ...source, id: fresh() }] : [source]
  })
}

test('a mirror that a rule gave no name of ours is left alone', () => {
  const model = new GiteaModel([aSource('1', 'a')])
  const foreign = { owner: 'mirrors', name: 'theirs', source: 'https://else.example/x/y.git' }
  carryOut(model, aRule(), null, pick)
  model.repos.push({ ...(model.repos[0] as Kept), id: 50, topics: [], ...foreign })
  expect(changesOf(planOf(model, aRule()))).toEqual([])
})
