import { describe, expect, test } from 'vitest'
import type { GiteaRepo } from '#lib/forge/gitea-repo.ts'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { goneTopic, markIn, markOf, sameSource } from '#lib/mirror/identity.ts'
import { planMirrors, type Plan, type PlanInput } from '#lib/mirror/plan.ts'
import { decideAll } from '#lib/mirror/rules.ts'
import type { MirrorRule } from '#lib/mirror/types.ts'
import { aRule, aSource } from '#test/helpers/gitea-model.ts'

const a = aSource('1', 'app')

/** Its mirror as an earlier run has left it. */
const mirrorOf = (source: ListedRepo, more: Partial<GiteaRepo> = {}): GiteaRepo => ({
  ...{ id: Number(source.id), owner: 'mirrors', name: source.name, mirror: true, private: true, empty: false, archived: false },
  ...{ description: source.description, topics: ['ci', markOf(source)], defaultBranch: 'main', cloneUrl: '' },
  ...{ source: source.cloneUrl, intervalMs: 3_600_000, bytes: 5, createdAt: 1, triedAt: 1, syncedAt: 1, ...more },
})

function plan(sources: ListedRepo[], existing: GiteaRepo[], rule: MirrorRule = aRule(), more: Partial<PlanInput> = {}): Plan {
  const found = [{ rule, repos: sources }]
  return planMirrors({ found, decisions: decideAll(found), failed: [], existing, ...more })
}
const only = (made: Plan) => {
  expect(made.steps).toHaveLength(1)
  return made.steps[0]!
}
const verbs = (made: Plan): string[] => only(made).actions.map((action) => action.do)

describe('the mark', () => {
  test.each([
    ['github', 'https://github.com', '1234567890', /^rb-github-[0-9a-f]{8}-1234567890$/],
    ['gitlab', 'https://gitlab.example/base/', '17', /^rb-gitlab-[0-9a-f]{8}-17$/],
    ['gitea', 'http://127.0.0.1:13280', '1', /^rb-gitea-[0-9a-f]{8}-1$/],
    ['git', 'https://git.example', 'https://git.example/A b', /^rb-git-[0-9a-f]{8}-[0-9a-f]{16}$/],
    ['github', 'https://github.com', '1'.repeat(40), /^rb-github-[0-9a-f]{8}-[0-9a-f]{16}$/],
  ] as const)('%s %s %s', (forge, forgeUrl, id, form) => {
    const mark = markOf({ forge, forgeUrl, id })
    expect(mark).toMatch(form)
    // what Gitea takes as a topic
    expect(mark).toMatch(/^[a-z0-9][-.a-z0-9]{0,34}$/)
    expect(markIn(['x', mark])).toBe(mark)
  })

  test('is of the server, however its address is written', () => {
    const of = (forgeUrl: string) => markOf({ forge: 'gitea', forgeUrl, id: '1' })
    expect(new Set(['http://Git.Example', 'https://git.example/', 'https://git.example'].map(of)).size).toBe(1)
    expect(of('https://git.example:8443')).not.toBe(of('https://git.example'))
  })

  test.each([
    ['https://a.example/x/y.git', 'http://A.example/X/y', true],
    ['https://a.example/x/y.git/', 'https://a.example/x/y', true],
    ['https://a.example/x/y', 'https://a.example/x/z', false],
    ['https://a.example/x/y', 'https://a.example:444/x/y', false],
  ])('%s and %s: %s', (one, other, same) => expect(sameSource(one, other)).toBe(same))
})

describe('one source', () => {
  test('that is not there is created, and marked last', () => {
    const made = plan([a], [])
    expect(only(made)).toMatchObject({
      ...{ kind: 'create', mirror: 'mirrors/app', source: a.cloneUrl, rule: 'mirrors.yaml:1', bytes: 1000 },
      reason: 'mirrors.yaml:1: all of org are taken',
    })
    expect(verbs(made)).toEqual(['clone', 'change', 'announce', 'topics'])
    expect(only(made).actions[0]).toMatchObject({ wish: { private: true, description: 'about 1', source: a.cloneUrl } })
  })

  test('that is there as it should be: nothing', () => {
    const made = plan([a], [mirrorOf(a)])
    expect(only(made)).toMatchObject({ kind: 'nothing', actions: [], bytes: 0 })
    expect(made.refusal).toBeNull()
  })

  test.each([
    [{ private: false }, 'private', ['change']],
    [{ description: 'old' }, 'its description', ['change']],
    [{ intervalMs: 600_000 }, 'interval 10m00s → 1h00m', ['change']],
    [
      { intervalMs: 0, topics: ['ci', markOf(a), goneTopic] },
      'interval never → 1h00m, its source is back, topics',
      ['change', 'topics'],
    ],
    [{ topics: [markOf(a)] }, 'topics', ['topics']],
    [{ defaultBranch: 'master' }, 'default branch master → main', ['change']],
    [{ defaultBranch: '', empty: true }, '', []],
    [{ topics: [] }, 'taken up: it had no mark of ours', ['announce', 'topics']],
    [{ topics: ['CI'] }, 'taken up: it had no mark of ours', ['announce', 'topics']],
  ])('whose mirror has %j: %s', (more, reason, actions) => {
    const made = plan([a], [mirrorOf(a, more)])
    expect(verbs(made)).toEqual(actions)
    if (reason) expect(only(made)).toMatchObject({ kind: 'update', reason, bytes: 0 })
  })

  test('a description and topics from outside are made what Gitea takes', () => {
    const evil = aSource('1', 'app', {
      description: `\u001b[31m${'x'.repeat(3000)}`,
      topics: ['C++', 'Ok', 'ok', 'rb-github-00000000-9', 'y'.repeat(36)],
    })
    const [clone, , , topics] = only(plan([evil], [])).actions
    expect(clone).toMatchObject({ wish: { description: 'x'.repeat(2048) } })
    expect(topics).toMatchObject({ topics: [markOf(evil), 'ok'] })
  })

  test.each([
    ['renamed', aSource('1', 'lib'), 'rename', 'mirrors/lib'],
    [
      'given to another owner',
      aSource('1', 'app', { owner: 'team', cloneUrl: 'https://src.example/team/app.git' }),
      'transfer',
      'mirrors/app',
    ],
  ] as const)('%s: a new mirror is cloned and verified before the old one goes', (_, now, kind, mirror) => {
    const made = plan([now], [mirrorOf(a)])
    expect(only(made)).toMatchObject({ kind, mirror, bytes: 1000 })
    expect(only(made).reason).toBe(`${a.cloneUrl} is called ${now.cloneUrl} now`)
    const order = verbs(made)
    expect(order.indexOf('verify')).toBeGreaterThan(order.indexOf('clone'))
    expect(order.lastIndexOf('delete')).toBeGreaterThan(order.indexOf('verify'))
    expect(order.filter((verb) => verb === 'delete')).toHaveLength(1)
    expect(order).not.toContain('announce')
  })

  test('spelt otherwise: one call, nothing is cloned', () => {
    const made = plan([aSource('1', 'App')], [mirrorOf(a)])
    expect(only(made)).toMatchObject({ kind: 'rename', bytes: 0 })
    expect(verbs(made)).toEqual(['rename'])
  })

  test('whose rule has another owner: the mirror is moved', () => {
    const made = plan([a], [mirrorOf(a)], aRule({ owner: 'other' }))
    expect(only(made)).toMatchObject({ kind: 'transfer', mirror: 'other/app', bytes: 0, reason: 'it is called mirrors/app' })
    expect(verbs(made)).toEqual(['transfer'])
  })

  test.each([
    ['a repository of its own', { mirror: false, topics: [] }],
    ['a mirror of https://else.example/x/app.git', { topics: [], source: 'https://else.example/x/app.git' }],
  ])('whose place is taken by %s: refused', (what, more) => {
    const made = plan([a], [mirrorOf(a, { id: 9, ...more })])
    expect(only(made)).toMatchObject({ kind: 'refused', actions: [] })
    expect(only(made).reason).toBe(
      `mirrors/app is in its place and is ${what}; rename that, or give this one another owner or name`,
    )
  })

  test('mirrored twice by hand: the second is left alone, and named', () => {
    const made = plan([a], [mirrorOf(a), mirrorOf(a, { id: 9, name: 'copy', topics: [] })])
    expect(only(made)).toMatchObject({
      kind: 'nothing',
      reason: expect.stringContaining('mirrors/copy is a second mirror of it, and left alone'),
    })
  })

  test('whose first clone has not ended is cloned on, not beside', () => {
    const made = plan([a], [mirrorOf(a, { intervalMs: null, empty: true, topics: [] })])
    expect(only(made)).toMatchObject({
      kind: 'create',
      bytes: 1000,
      reason: expect.stringContaining('its first clone has not ended'),
    })
    expect(verbs(made)).toEqual(['clone', 'announce', 'change', 'topics'])
  })
})

describe('what no rule takes any more', () => {
  const gone = (rule: MirrorRule, more: Partial<GiteaRepo> = {}, input: Partial<PlanInput> = {}) =>
    plan([], [mirrorOf(a, more)], rule, input)

  test('keep: no more synchronised, and after that nothing', () => {
    const made = gone(aRule())
    expect(only(made)).toMatchObject({ kind: 'orphan', mirror: 'mirrors/app', bytes: 0 })
    expect(only(made).actions).toMatchObject([
      { do: 'change', change: { intervalMs: 0 } },
      { do: 'topics', topics: [markOf(a), goneTopic, 'ci'] },
    ])
    expect(only(gone(aRule(), { intervalMs: 0, topics: [markOf(a), goneTopic] })).kind).toBe('nothing')
  })

  test('archive: under another name, for Gitea archives no mirror', () => {
    expect(only(gone(aRule({ orphans: 'archive' })))).toMatchObject({ kind: 'orphan', mirror: 'mirrors/archived-app' })
    const done = { name: 'archived-app', intervalMs: 0, topics: [markOf(a), goneTopic] }
    expect(only(gone(aRule({ orphans: 'archive' }), done)).kind).toBe('nothing')
  })

  test('delete', () => expect(verbs(gone(aRule({ orphans: 'delete' })))).toEqual(['delete']))

  test('what is only elsewhere is never deleted', () => {
    const whereabouts = new Map([[markOf(a), 'https://src.example/else/app.git']])
    const made = gone(aRule({ orphans: 'delete' }), {}, { whereabouts })
    expect(only(made)).toMatchObject({
      kind: 'orphan',
      reason: expect.stringContaining('is https://src.example/else/app.git now'),
    })
    expect(verbs(made)).toEqual(['change', 'topics'])
  })

  test.each([
    [
      'archived',
      aSource('1', 'app', { archived: true }),
      aRule({ archived: false, orphans: 'delete' }),
      [],
      'it is archived, and archived: false',
    ],
    ['excluded', a, aRule({ exclude: '^app$', orphans: 'delete' }), [], 'exclude /^app$/ matches'],
    [
      'private',
      aSource('1', 'app', { private: true }),
      aRule({ private: false, visibility: 'source' }),
      ['change'],
      'it is private, and private: false',
    ],
  ] as const)('a source that is %s now is kept, also where orphans are deleted', (_, source, rule, actions, why) => {
    const made = plan([source], [mirrorOf(a, { private: false })], rule)
    expect(verbs(made)).toEqual(actions)
    expect(only(made).reason).toContain(`not chosen any more (mirrors.yaml:1: ${why}); it is kept`)
  })

  test('mirrors of other accounts, and those without a mark, are nobody’s business', () => {
    const other = mirrorOf(a, { source: 'https://src.example/organisation/app.git' })
    const unmarked = mirrorOf(a, { topics: [] })
    expect(plan([], [other, unmarked]).steps).toEqual([])
  })

  test('made anew under its name: the old one makes room, the new one is cloned', () => {
    const made = plan([aSource('2', 'app')], [mirrorOf(a)])
    expect(made.steps.map(({ kind, mirror }) => [kind, mirror])).toEqual([
      ['create', 'mirrors/app'],
      ['orphan', 'mirrors/archived-app'],
    ])
    expect(made.steps[0]!.actions[0]).toMatchObject({ do: 'clone', waitsFor: 'mirrors/app' })
  })
})

describe('the fuse', () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => aSource(String(i + 1), `r${i}`))
  const after = (all: number, gone: number) =>
    plan(
      many(all).slice(gone),
      many(all).map((source) => mirrorOf(source)),
    )

  test.each([
    [10, 2, false],
    [10, 3, true],
    [2, 2, false],
    [3, 3, true],
    [200, 40, false],
    [200, 41, true],
  ])('of %i mirrors %i lose their source: refused %s', (all, gone, refused) => {
    const { refusal, steps } = after(all, gone)
    expect(refusal?.by ?? null).toBe(refused ? 'orphans' : null)
    if (refused) expect(refusal!.text).toContain(`mirrors.yaml:1: ${gone} of ${all} mirrors would lose their source at once (`)
    expect(steps.filter(({ kind }) => kind === 'orphan')).toHaveLength(gone)
  })

  test('those that were laid aside before don’t count', () => {
    const aside = many(10).map((source, i) =>
      i < 5 ? mirrorOf(source, { intervalMs: 0, topics: [markOf(source), goneTopic] }) : mirrorOf(source),
    )
    expect(plan(many(10).slice(5), aside).refusal).toBeNull()
  })

  test('a listing that failed: refused, and nothing is an orphan', () => {
    const failed = [{ where: 'mirrors.yaml:9', what: 'github.com/other', why: 'no answer', away: true }]
    const { refusal, steps } = plan(
      [],
      many(3).map((source) => mirrorOf(source)),
      aRule(),
      { failed },
    )
    expect(refusal).toMatchObject({ by: 'listing', text: expect.stringContaining('mirrors.yaml:9: github.com/other: no answer') })
    expect(steps).toEqual([])
  })
})
