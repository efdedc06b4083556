import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, root } from '#lib/config.ts'
import { configTable } from '#lib/docs.ts'
import { checkMirrors, loadMirrorsFile } from '#lib/mirror/file.ts'
import { mirrorsSchema } from '#lib/mirror/file-schema.ts'
import { ruleOf } from '#lib/mirror/rule.ts'
import { saveRule, withRule } from '#lib/mirror/save.ts'
import type { MirrorRule } from '#lib/mirror/types.ts'

const github = (name: string): MirrorRule['from'] => ({
  kind: 'account',
  account: { forge: 'github', url: 'https://github.com', name },
})
const mistakes = join(import.meta.dirname, 'mistakes')
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mirrors-'))
  path = join(folder, 'mirrors.yaml')
})

describe('every mistake at once, by line and key', () => {
  test.each(readdirSync(mistakes).sort())('%s', async (file) => {
    const text = readFileSync(join(mistakes, file), 'utf8')
    const expected = [...text.matchAll(/^# (\d+: .*)$/gm)].map(([, problem]) => `mirrors.yaml:${problem}`)
    expect(expected).not.toEqual([])
    const error = (await checkMirrors(text, 'mirrors.yaml').catch((thrown: unknown) => thrown)) as Error
    expect(error).toBeInstanceOf(ConfigError)
    const told = error.message.split('\n')
    expect(told.map((line, i) => line.slice(0, expected[i]?.length))).toEqual(expected)
    expect(error.message).not.toContain('hunter2')
  })

  test('a file that is not there', async () => {
    await expect(loadMirrorsFile(path)).rejects.toThrow(
      `${path}: there is no such file: copy mirrors.example.yaml, or have mirror-org --save`,
    )
  })
})

describe('the rules of a file', () => {
  test('in their order, with their lines and the defaults filled in', async () => {
    writeFileSync(
      path,
      'defaults: { owner: mirrors, interval: 1h }\nmirrors:\n  - org: myorg\n    include: ^a\n\n  # there\n  - repo: git@git.example:me/app.git\n' +
        '    interval: 0\n  - group: g/sub\n    owner: lab\n',
    )
    const rules = await loadMirrorsFile(path)
    expect(rules.map(({ where }) => where)).toEqual(['mirrors.yaml:3', 'mirrors.yaml:7', 'mirrors.yaml:9'])
    expect(rules[0]).toEqual({
      ...{ where: 'mirrors.yaml:3', from: github('myorg'), include: '^a', exclude: null, private: false, forks: false },
      ...{ archived: false, topics: [], language: null, visibility: 'source', intervalMs: 3_600_000, wiki: false, lfs: false },
      ...{ owner: 'mirrors', name: null, orphans: 'keep', build: false },
    })
    expect(rules[1]).toMatchObject({ from: { kind: 'repo', url: 'git@git.example:me/app.git' }, intervalMs: 0, owner: 'mirrors' })
    expect(rules[2]).toMatchObject({
      from: { account: { forge: 'gitlab', url: 'https://gitlab.com', name: 'g/sub' } },
      owner: 'lab',
    })
  })

  test.each([
    ['org: myorg', 'myorg'],
    ['group: a/b/c', 'c'],
    ['org: gitea:team@git.example', 'team'],
    ['repo: https://git.example/me/app.git', 'me'],
    ['repo: git@git.example:me/app.git', 'me'],
  ])('%s goes to an owner called %s, unless said otherwise', async (entry, owner) => {
    expect((await checkMirrors(`mirrors: [{ ${entry} }]`, 'm')).rules[0]!.owner).toBe(owner)
  })

  test.each(['', '# nothing\n', 'mirrors: []', 'defaults: {}'])('%j mirrors nothing', async (text) => {
    expect((await checkMirrors(text, 'm')).rules).toEqual([])
  })

  test('a host of a forge that is known has its scheme and port', async () => {
    const { rules } = await checkMirrors('mirrors: [{ org: gitea:team@git.lan:3000 }]', 'm', ['http://git.lan:3000'])
    expect(rules[0]!.from).toMatchObject({ account: { url: 'http://git.lan:3000' } })
  })
})

describe('mirrors.example.yaml', () => {
  const text = readFileSync(join(root, 'mirrors.example.yaml'), 'utf8')

  test('is valid and shows every key', async () => {
    expect((await checkMirrors(text, 'mirrors.example.yaml')).rules.length).toBeGreaterThan(5)
    const { z } = await import('zod')
    const table = configTable(z.toJSONSchema(mirrorsSchema, { io: 'input' }) as object)
    const names = [...table.matchAll(/^\| `[^`]*?(\w+)` \|/gm)].map(([, name]) => name)
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !new RegExp(`^[ -]*${name}:`, 'm').test(text))).toEqual([])
  })

  test('says of the defaults what they are', async () => {
    const { file } = await checkMirrors(text, 'm')
    const { interval: intervalMs, ...rest } = file.defaults!
    expect(ruleOf('x', github('myorg'))).toMatchObject({ ...rest, intervalMs })
  })
})

describe('saving a rule', () => {
  const written = `# Ours.
defaults:
  owner:   mirrors   # all of them

mirrors:
  # the first
  - org: myorg # GitHub
    include: '^rust-'

  # the second
  - { org: other, private: true }
  - repo: https://git.example/me/app.git
    name: my-app

# the end
`

  test('adds it, and every other line stays', async () => {
    writeFileSync(path, written)
    const rule = ruleOf('the command line', github('third'), {
      include: '^go-',
      exclude: ': #',
      owner: 'mirrors',
      topics: ['ci'],
      intervalMs: 0,
    })
    expect(await saveRule(path, rule)).toBe('added')
    const lines = readFileSync(path, 'utf8').split('\n')
    const kept = written.replace('owner:   mirrors   #', 'owner: mirrors #').split('\n')
    expect(lines.filter((line) => kept.includes(line))).toEqual(kept)
    expect(lines.filter((line) => !kept.includes(line))).toEqual([
      '  - org: third',
      '    include: ^go-',
      '    exclude: ": #"',
      '    topics:',
      '      - ci',
      '    interval: 0',
    ])
    expect((await loadMirrorsFile(path)).at(-1)).toEqual({
      ...rule,
      where: expect.stringMatching(/^mirrors.yaml:\d+$/) as unknown,
    })
    expect(await saveRule(path, rule)).toBe('unchanged')
    expect(readFileSync(path, 'utf8').split('\n')).toEqual(lines)
  })

  test('changes the entry of the same source and include, and leaves its comments', async () => {
    writeFileSync(path, written)
    const rule = ruleOf('the command line', github('MyOrg'), {
      include: '^rust-',
      owner: 'rust',
      forks: true,
      intervalMs: 90 * 60_000,
    })
    expect(await saveRule(path, rule)).toBe('changed')
    expect(readFileSync(path, 'utf8')).toContain(
      "  # the first\n  - org: myorg # GitHub\n    include: '^rust-'\n    forks: true\n    owner: rust\n    interval: 90m\n",
    )
    expect(await saveRule(path, ruleOf('', github('myorg'), { include: '^rust-', owner: 'mirrors' }))).toBe('changed')
    expect(readFileSync(path, 'utf8')).toBe(written.replace('owner:   mirrors   #', 'owner: mirrors #'))
  })

  test('a single repository is known by its address, with or without .git', async () => {
    writeFileSync(path, written)
    const from = { kind: 'repo', url: 'https://git.example/me/app' } as const
    expect(await saveRule(path, ruleOf('', from, { name: 'my-app', owner: 'mirrors' }))).toBe('unchanged')
    expect(await saveRule(path, ruleOf('', from, { name: 'app', owner: 'mirrors' }))).toBe('changed')
    expect((await loadMirrorsFile(path))[2]).toMatchObject({ name: 'app' })
  })

  test('makes the file when there is none', async () => {
    expect(await saveRule(path, ruleOf('', github('myorg'), {}))).toBe('added')
    expect(readFileSync(path, 'utf8')).toBe(
      '# What is mirrored into our Gitea; mirrors.example.yaml explains every key.\n\nmirrors:\n  - org: myorg\n',
    )
  })

  test('keeps mode and symlinks, and leaves nothing beside it', async () => {
    mkdirSync(join(folder, 'real'))
    const real = join(folder, 'real/m.yaml')
    writeFileSync(real, written)
    chmodSync(real, 0o640)
    symlinkSync('real/m.yaml', path)
    expect(await saveRule(path, ruleOf('', github('new')))).toBe('added')
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(statSync(real).mode & 0o7777).toBe(0o640)
    expect(readFileSync(real, 'utf8')).toContain('- org: new')
    expect(readdirSync(join(folder, 'real'))).toEqual(['m.yaml'])
  })

  test('through a symlink to nothing makes what it points to', async () => {
    symlinkSync('there.yaml', path)
    await saveRule(path, ruleOf('', github('new')))
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(existsSync(join(folder, 'there.yaml'))).toBe(true)
  })

  test('leaves a file with mistakes alone', async () => {
    writeFileSync(path, 'mirrors: [{ orgs: x }]')
    await expect(saveRule(path, ruleOf('', github('new')))).rejects.toThrow('mirrors.yaml:1: mirrors[0].orgs: is not a known key')
    expect(readFileSync(path, 'utf8')).toBe('mirrors: [{ orgs: x }]')
  })

  test('what an entry can’t say is refused', async () => {
    writeFileSync(path, 'defaults: { language: Rust }\n')
    await expect(saveRule(path, ruleOf('', github('new')))).rejects.toThrow(
      "an entry can't do without the language that the defaults give",
    )
  })

  test.each(['mirrors: []\n', '# only this\n', 'mirrors:\n- org: a\n', 'mirrors:\n    - org: a\n      include: x\n'])(
    'into %j',
    async (text) => {
      const { text: wished } = withRule(text, await checkMirrors(text, 'm'), ruleOf('', github('new')))
      expect(wished.startsWith(text.split(/mirrors: ?\[?/)[0]!)).toBe(true)
      for (const line of text.split('\n').filter((line) => line.includes('org'))) expect(wished).toContain(line)
      expect((await checkMirrors(wished, 'm')).rules.at(-1)!.from).toEqual(github('new'))
    },
  )

  test('whatever the rule says, reading it gives it back, and saving it again changes nothing', async () => {
    const policy = fc.record(
      {
        include: fc.constantFrom('^a', '"x"', 'a: b', '# no', '\\d+', 'é'),
        exclude: fc.constantFrom('-', '[a-z]', "it's", '*'.repeat(0) + 'x*'),
        private: fc.boolean(),
        topics: fc.array(fc.constantFrom('ci', 'yes', '1', 'a b'), { maxLength: 3 }),
        language: fc.constantFrom('Rust', 'C++', 'no'),
        visibility: fc.constantFrom('private', 'public', 'source'),
        intervalMs: fc.constantFrom(0, 600_000, 5_400_000, 86_400_000),
        owner: fc.constantFrom('mirrors', 'x'),
        orphans: fc.constantFrom('keep', 'archive', 'delete'),
        build: fc.boolean(),
      } as const,
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(policy, fc.constantFrom('myorg', 'other', 'new'), async (given, name) => {
        const rule = ruleOf('m:1', github(name), { owner: 'mirrors', ...given })
        const before = await checkMirrors(written, 'm')
        const { text } = withRule(written, before, rule)
        const after = await checkMirrors(text, 'm')
        expect(after.rules.map((one) => ({ ...one, where: 'm:1' }))).toContainEqual(rule)
        expect(withRule(text, after, rule)).toEqual({ text, saved: 'unchanged' })
        for (const comment of written.match(/#.*/g)!) expect(text).toContain(comment)
      }),
      { numRuns: 60 },
    )
  })
})
