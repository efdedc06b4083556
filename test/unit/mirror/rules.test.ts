import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ListedRepo } from '#lib/forge/listing/types.ts'
import { decideAll, decideOne } from '#lib/mirror/rules.ts'
import type { MirrorRule } from '#lib/mirror/types.ts'

const account = { forge: 'github', url: 'https://github.com', name: 'myorg' } as const
const rule = (own: Partial<MirrorRule> = {}): MirrorRule => ({
  ...{ where: 'mirrors.yaml:12', from: { kind: 'account', account }, include: null, exclude: null },
  ...{
    private: true,
    forks: false,
    archived: false,
    topics: [],
    language: null,
    visibility: 'source',
    intervalMs: 8 * 3_600_000,
  },
  ...{ wiki: false, lfs: false, owner: 'mirrors', name: null, orphans: 'keep', build: false },
  ...own,
})
const repo = (own: Partial<ListedRepo> = {}): ListedRepo => ({
  ...{ forge: 'github', forgeUrl: 'https://github.com', id: '7', owner: 'myorg', name: 'app' },
  ...{ cloneUrl: 'https://github.com/myorg/app.git', private: false, fork: false, archived: false, empty: null, description: '' },
  ...{ topics: [], language: null, defaultBranch: 'main', bytes: 1024, pushedAt: 1 },
  ...own,
})
const named = (name: string, id = '7') => repo({ name, id })

describe('one rule on one repository: the clause that decided is named', () => {
  test.each<[Partial<MirrorRule>, Partial<ListedRepo>, boolean, string]>([
    [{}, {}, true, 'all of myorg are taken'],
    [{ include: '^rust-' }, { name: 'rust-lang' }, true, 'include /^rust-/ matches'],
    [{ include: '^rust-' }, { name: 'go' }, false, 'include /^rust-/ does not match'],
    [{ exclude: '-old$' }, { name: 'rust-old' }, false, 'exclude /-old$/ matches'],
    [{ include: '^rust-', exclude: '-old$' }, { name: 'rust-old' }, false, 'exclude /-old$/ matches'],
    [{ exclude: '-old$' }, { name: 'rust' }, true, 'all of myorg are taken'],
    [{ private: false }, { private: true }, false, 'it is private, and private: false'],
    [{ private: true }, { private: true }, true, 'all of myorg are taken'],
    [{}, { fork: true }, false, 'it is a fork, and forks: false'],
    [{ forks: true }, { fork: true }, true, 'all of myorg are taken'],
    [{}, { archived: true }, false, 'it is archived, and archived: false'],
    [{ archived: true }, { archived: true }, true, 'all of myorg are taken'],
    [{ topics: ['ci', 'Rust'] }, { topics: ['rust'] }, true, 'all of myorg are taken'],
    [{ topics: ['ci', 'rust'] }, { topics: ['go'] }, false, 'it has none of the topics: ci, rust'],
    [{ language: 'rust' }, { language: 'Rust' }, true, 'all of myorg are taken'],
    [{ language: 'rust' }, { language: 'Go' }, false, 'its language is Go, and language: rust'],
    [{ language: 'rust' }, {}, false, 'its language is not known, and language: rust'],
    [{ include: '^зер' }, { name: 'зеркало' }, true, 'include /^зер/ matches'],
    [
      { from: { kind: 'repo', url: 'https://github.com/a/b' }, private: false },
      { private: true, fork: true, archived: true },
      true,
      'it is named there',
    ],
  ])('%j on %j', (own, listed, mirrored, clause) => {
    expect(decideOne(rule(own), repo(listed))).toEqual({ mirrored, because: `mirrors.yaml:12: ${clause}` })
  })

  test('an expression that backtracking engines never end on, on a long name', () => {
    const name = `${'a'.repeat(50_000)}!`
    expect(decideOne(rule({ include: '(a+)+$' }), named(name)).because).toBe('mirrors.yaml:12: include /(a+)+$/ does not match')
  })

  test('a bad expression is named with its rule and key', () => {
    expect(() => decideOne(rule({ exclude: 'a(' }), repo())).toThrow(
      'mirrors.yaml:12: exclude: /a(/ is no regular expression: missing closing ) of what opens, at character 2',
    )
  })
})

describe('names that Gitea can’t have are refused by a line each', () => {
  const hundred = 'n'.repeat(100)
  test.each([
    ['зеркало', 'the name "зеркало" has "з" in it, and Gitea takes only letters a to z, digits, "-", "_" and "."'],
    ['app😀', 'the name "app😀" has "😀" in it, and Gitea takes only letters a to z, digits, "-", "_" and "."'],
    ['naïve', 'the name "naïve" has "ï" in it, and Gitea takes only letters a to z, digits, "-", "_" and "."'],
    ['a/b', 'the name "a/b" has "/" in it, and Gitea takes only letters a to z, digits, "-", "_" and "."'],
    [`${hundred}n`, `the name "${hundred}n" has 101 characters, and Gitea takes at most 100`],
    ['', 'the name "" is empty'],
    ['.', 'the name "." is reserved by Gitea'],
    ['..', 'the name ".." is reserved by Gitea'],
    ['-', 'the name "-" is reserved by Gitea'],
    ['a..b', 'the name "a..b" has ".." in it, which Gitea refuses'],
    ['docs.wiki', 'the name "docs.wiki" ends with .wiki, which Gitea keeps for itself'],
    ['x.GIT', 'the name "x.GIT" ends with .GIT, which Gitea keeps for itself'],
    ['feed.rss', 'the name "feed.rss" ends with .rss, which Gitea keeps for itself'],
    ['feed.atom', 'the name "feed.atom" ends with .atom, which Gitea keeps for itself'],
  ])('%s', (name, why) => {
    const [decision] = decideAll([{ rule: rule(), repos: [named(name)] }])
    expect(decision).toMatchObject({ mirrored: false, refused: true, target: null })
    expect(decision!.because).toBe(
      `mirrors.yaml:12: ${`https://github.com/myorg/${name}`.slice(0, 120)}${name.length > 90 ? '…' : ''} can't be mirrored: ${why}`,
    )
    expect(decision!.because).not.toContain('\n')
  })

  test.each([hundred, 'wiki', 'a.wikis', '_', '--', '.github', 'A.b-C_d', 'git'])('%s is taken as it is', (name) => {
    const [decision] = decideAll([{ rule: rule(), repos: [named(name)] }])
    expect(decision).toMatchObject({ mirrored: true, refused: false, target: { owner: 'mirrors', name } })
  })

  test.each([
    ['user', 'is reserved by Gitea'],
    ['API', 'is reserved by Gitea'],
    ['ghost', 'is reserved by Gitea'],
    ['-x', 'a letter or digit first'],
    ['зеркала', 'a letter or digit first'],
    ['a--b', 'has two of'],
    ['x.', 'ends with one'],
    ['me.keys', 'ends with .keys'],
    ['o'.repeat(41), 'has 41 characters, and Gitea takes at most 40'],
  ])('the owner %s', (owner, why) => {
    const [decision] = decideAll([{ rule: rule({ owner }), repos: [repo()] }])
    expect(decision).toMatchObject({ refused: true })
    expect(decision!.because).toContain(`https://github.com/myorg/app can't be mirrored: the owner's name "${owner}" `)
    expect(decision!.because).toContain(why)
  })

  test('what a forge sends can’t write into a terminal', () => {
    const [decision] = decideAll([{ rule: rule(), repos: [named('x\u001b[2J\nrm\u202e')] }])
    expect(decision!.because).not.toMatch(/[\u001b\n\u202e]/)
  })
})

describe('names that collide after lower-casing', () => {
  const collided = (because: string) => because.replace(/^.*can't be mirrored: /, '')

  test('in one account the older keeps the name, whatever the order of the listing', () => {
    const [old, young] = [named('App', '9'), named('app', '10')]
    for (const repos of [
      [old, young],
      [young, old],
    ]) {
      const decisions = decideAll([{ rule: rule(), repos }])
      expect(decisions.map(({ repo: { id }, mirrored }) => [id, mirrored])).toEqual([
        ['9', true],
        ['10', false],
      ])
      expect(decisions[1]!.because).toBe(
        "mirrors.yaml:12: https://github.com/myorg/app can't be mirrored: its mirror would be mirrors/app, which is that of " +
          'https://github.com/myorg/App (mirrors.yaml:12); give it another owner, or exclude one of them',
      )
    }
  })

  test('of two rules the first keeps it; another owner is no collision', () => {
    const other = { forge: 'gitlab', url: 'https://gitlab.com', name: 'group' } as const
    const second = rule({ where: 'mirrors.yaml:20', from: { kind: 'account', account: other } })
    const theirs = repo({ forge: 'gitlab', forgeUrl: 'https://gitlab.com', id: '1', owner: 'group/sub', name: 'APP' })
    const both = decideAll([
      { rule: rule(), repos: [repo()] },
      { rule: second, repos: [theirs] },
    ])
    expect(both.map(({ refused }) => refused)).toEqual([false, true])
    expect(collided(both[1]!.because)).toContain('is that of https://github.com/myorg/app (mirrors.yaml:12)')
    expect(both[1]!.because).toContain('https://gitlab.com/group/sub/APP')
    const apart = decideAll([
      { rule: rule(), repos: [repo()] },
      { rule: { ...second, owner: 'Others' }, repos: [theirs] },
    ])
    expect(apart.map(({ target }) => target)).toEqual([
      { owner: 'mirrors', name: 'app' },
      { owner: 'Others', name: 'APP' },
    ])
  })

  test('owners collide without their case too', () => {
    const decisions = decideAll([
      { rule: rule(), repos: [named('a', '1')] },
      { rule: rule({ owner: 'Mirrors', where: 'mirrors.yaml:30' }), repos: [named('A', '2')] },
    ])
    expect(decisions.map(({ refused }) => refused)).toEqual([false, true])
  })

  test('projects of two subgroups of one name', () => {
    const lab = (id: string, owner: string) => repo({ forge: 'gitlab', forgeUrl: 'https://gitlab.com', id, owner, name: 'app' })
    const decisions = decideAll([{ rule: rule(), repos: [lab('1', 'g/a'), lab('2', 'g/b')] }])
    expect(decisions[1]!.because).toContain('https://gitlab.com/g/b/app can')
    expect(decisions[1]!.because).toContain('that of https://gitlab.com/g/a/app')
  })

  test('what is not mirrored takes no name', () => {
    const decisions = decideAll([{ rule: rule(), repos: [repo({ id: '1', fork: true }), repo({ id: '2' })] }])
    expect(decisions.map(({ mirrored }) => mirrored)).toEqual([false, true])
  })
})

test('the first rule that takes a repository decides; when none does, each says why', () => {
  const single = rule({ where: 'mirrors.yaml:3', from: { kind: 'repo', url: 'https://github.com/myorg/app' }, name: 'the-app' })
  const first = rule({ include: '^x' })
  const second = rule({ where: 'mirrors.yaml:20', owner: 'late' })
  const found = (rules: MirrorRule[], listed = repo()) => decideAll(rules.map((own) => ({ rule: own, repos: [listed] })))
  expect(found([single, first, second])).toMatchObject([{ rule: single, target: { owner: 'mirrors', name: 'the-app' } }])
  expect(found([first, second])).toMatchObject([{ rule: second, target: { owner: 'late', name: 'app' } }])
  expect(found([first, second], repo({ archived: true }))).toEqual([
    {
      ...{ repo: repo({ archived: true }), mirrored: false, rule: null, target: null, refused: false },
      because: 'mirrors.yaml:12: include /^x/ does not match; mirrors.yaml:20: it is archived, and archived: false',
    },
  ])
})

test('each repository is decided on once, no two mirrors share a name, and the order of a listing changes nothing', () => {
  const listed = fc.uniqueArray(
    fc.record({ id: fc.nat(40).map(String), name: fc.constantFrom('a', 'A', 'b', 'B', 'ж', 'x.git'), fork: fc.boolean() }),
    { selector: ({ id }) => id, maxLength: 12 },
  )
  fc.assert(
    fc.property(listed, fc.boolean(), (parts, forks) => {
      const rules = [rule({ include: '(?i)^a' }), rule({ forks, where: 'mirrors.yaml:20' })]
      const decide = (repos: ListedRepo[]) => decideAll(rules.map((own) => ({ rule: own, repos })))
      const decisions = decide(parts.map(repo))
      expect(decisions).toHaveLength(parts.length)
      const places = decisions.flatMap(({ target }) => (target ? [`${target.owner}/${target.name}`.toLowerCase()] : []))
      expect(new Set(places).size).toBe(places.length)
      expect(decisions.every(({ mirrored, target, refused }) => mirrored === (target !== null) && !(mirrored && refused))).toBe(
        true,
      )
      expect(decide(parts.map(repo).reverse())).toEqual(decisions)
    }),
  )
})
