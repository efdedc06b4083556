import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseRaibidFile, readRaibidFile } from '#lib/pipeline/file.ts'
import { tmpFolder, type Files } from '#test/helpers/tmp-repo.ts'

const problems = (text: string): Promise<string[]> =>
  parseRaibidFile(text).then(
    () => [],
    (error: Error) => (expect(error.name).toBe('PipelineError'), error.message.split('\n')),
  )
const folder = (files: Files): string => {
  const { path, remove } = tmpFolder(files)
  onTestFinished(remove)
  return path
}

test('a whole file', async () => {
  const text =
    'timeout: 10m\nenv: { A: 1, B: true, C: x, D: 1.50 }\nsteps:\n  - run: |\n      make\n      make test\n  - { name: t, run: x, timeout: 90s }\n'
  expect(await parseRaibidFile(text)).toEqual({
    timeoutMs: 600_000,
    env: { A: '1', B: 'true', C: 'x', D: '1.50' },
    caches: [],
    secrets: [],
    artifacts: [],
    reports: [],
    steps: [
      { name: 'make', run: 'make\nmake test\n' },
      { name: 't', run: 'x', timeoutMs: 90_000 },
    ],
  })
})

test('a step without a name has the beginning of its script', async () => {
  const { steps } = await parseRaibidFile(`steps: [{ run: "${'x'.repeat(70)}" }]`)
  expect(steps[0]!.name).toBe(`${'x'.repeat(59)}…`)
})

test('all problems at once, each with its line', async () => {
  const text = [
    '# how we build',
    'steps:',
    '  - name: a',
    '    run: x',
    '  - name: b',
    '    run: y',
    '    timeout: ten',
    '    bogus: 1',
    '  - {}',
    '  - run: 5',
    'env:',
    '  1A: x',
    '  RAIBID_X: y',
    '  L: [1]',
    'timeout: 600',
    'foo: 1',
  ]
  expect(await problems(text.join('\n'))).toEqual([
    '.raibid.yaml:7: steps[1].timeout: "ten" is not a duration',
    '.raibid.yaml:8: steps[1].bogus: is not a known key',
    '.raibid.yaml:9: steps[2].run: is missing',
    '.raibid.yaml:10: steps[3].run: 5 is not a text',
    '.raibid.yaml:12: env.1A: is not a name for an environment variable',
    '.raibid.yaml:13: env.RAIBID_X: names that begin with RAIBID_ are kept for raibid-ci',
    '.raibid.yaml:14: env.L: a list is not a text, number or boolean',
    '.raibid.yaml:15: timeout: 600 is not a duration',
    '.raibid.yaml:16: foo: is not a known key',
  ])
})

test.for(
  [
    ['', '1: is empty'],
    ['- a\n', '1: a list is not a mapping'],
    ['env: {}\n', '1: steps: is missing'],
    ['steps: []\n', '1: steps: is empty'],
    ['steps:\n  -\n', '2: steps[0]: is empty'],
    ['steps: [{ run: x }]\nsteps: [{ run: y }]\n', '2: steps: is given twice'],
    ['steps:\n  - run: " "\n', '2: steps[0].run: is empty'],
    ['steps:\n  - run: "a\\0b"\n', '2: steps[0].run: contains a NUL character'],
    ['steps:\n  - run: x\n    name: "a\\e[31m"\n', '3: steps[0].name: contains a control character'],
    ['timeout: 0s\nsteps: [{ run: x }]', '1: timeout: "0s" is not a duration'],
    ['timeout: 31d\nsteps: [{ run: x }]', '1: timeout: "31d" is not a duration'],
    [`steps:\n${'  - run: x\n'.repeat(201)}`, '2: steps: has 201 entries; at most 200 are allowed'],
    ['steps:\n  - run: !!js/function "x"\n', '2: Unresolved tag: tag:yaml.org,2002:js/function'],
    ['steps:\n  - run: "x\n', '3: Missing closing "quote'],
    ['steps: &a\n  - *a\n', '2: steps[0]: a list is not a mapping'],
    ['steps: [', '1: Flow sequence in block'],
    ['['.repeat(200_000), '1: is nested too deeply'],
    [`a: &a x\nb: [${'*a,'.repeat(101)}]`, '1: uses more than 100 aliases (*name): write out what they stand for'],
    ['__proto__: { steps: 1 }\nsteps: [{ run: x }]', '1: __proto__: is not a known key'],
  ].map(([text, problem]) => [problem!, text!] as const),
)('%s', async ([problem, text]) => {
  expect((await problems(text))[0]).toContain(problem)
})

test('an alias bomb is refused at once', async () => {
  const level = (i: number): string => `${String.fromCharCode(98 + i)}: &x${i + 1} [${`*x${i},`.repeat(9)}]`
  const bomb = `a: &x0 [lol]\n${Array.from({ length: 20 }, (_, i) => level(i)).join('\n')}\nenv: { A: *x20 }\nsteps: *x20\n`
  const begin = performance.now()
  expect(await problems(bomb)).not.toEqual([])
  expect(performance.now() - begin).toBeLessThan(2000)
})

test('twenty problems are enough', async () => {
  const found = await problems(Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'))
  expect(found).toHaveLength(21)
  expect(found[20]).toMatch(/^… and \d+ more$/)
})

test('no file: null', async () => {
  expect(await readRaibidFile(folder({}))).toBeNull()
})

test('a file from the disk', async () => {
  expect((await readRaibidFile(folder({ '.raibid.yaml': 'steps: [{ run: make }]' })))!.steps).toEqual([
    { name: 'make', run: 'make' },
  ])
})

test.for([
  ['a symlink out of the workspace', { '.raibid.yaml': { link: '/etc/passwd' } }, 'is a symbolic link'],
  ['a symlink within', { a: 'steps: [{ run: x }]', '.raibid.yaml': { link: 'a' } }, 'is a symbolic link'],
  ['a folder', { '.raibid.yaml/x': '' }, 'is not a regular file'],
  ['10 MB', { '.raibid.yaml': 'x'.repeat(10_000_000) }, 'is 10000000 bytes long; at most 262144 are allowed'],
] as const)('%s is refused', async ([, files, reason]) => {
  await expect(readRaibidFile(folder(files as Files))).rejects.toThrow(`.raibid.yaml: ${reason}`)
})

test('a FIFO is refused, not waited for', async () => {
  const path = folder({})
  execFileSync('mkfifo', [join(path, '.raibid.yaml')])
  await expect(readRaibidFile(path)).rejects.toThrow('is not a regular file')
})
