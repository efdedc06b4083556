import { expect, test } from 'vitest'
import { matchesBranch } from '#lib/pipeline/branches.ts'
import { missingSecrets, parseRaibidFile } from '#lib/pipeline/file.ts'

test.for([
  ['main', 'main', true],
  ['main', 'mai', false],
  ['main', 'mainx', false],
  ['release/*', 'release/1.2', true],
  ['release/*', 'release/', true],
  ['release/*', 'release/1/2', false],
  ['release/**', 'release/1/2', true],
  ['*', 'main', true],
  ['*', 'a/b', false],
  ['**', 'a/b', true],
  ['**/x', 'a/b/x', true],
  ['v?.?', 'v1.2', true],
  ['v?', 'v/', false],
  ['v.*', 'vx1', false],
  ['a*b*c', 'aXbYbZc', true],
  ['ü*', 'über', true],
  ['', 'main', false],
] as const)('%s and %s: %s', ([pattern, branch, matches]) => {
  expect(matchesBranch(branch, pattern)).toBe(matches)
})

test('a pattern that would take a RegExp for ever is answered at once', () => {
  const begin = performance.now()
  expect(matchesBranch('a'.repeat(250), `${'**a'.repeat(33)}b`)).toBe(false)
  expect(performance.now() - begin).toBeLessThan(1000)
})

test('a step that is not for this branch is skipped, and says for which it is', async () => {
  const text = 'steps: [{ run: a }, { run: b, branches: [main, release/*] }]'
  const skips = async (branch: string) => (await parseRaibidFile(text, branch)).steps.map((step) => step.skip)
  expect(await skips('release/2')).toEqual([undefined, undefined])
  expect(await skips('topic')).toEqual([undefined, 'only on main, release/*; this is topic'])
  expect(await skips('HEAD')).toEqual([undefined, 'only on main, release/*; this is no branch'])
})

test('secrets that were not given are told with the way to give them', () => {
  expect(missingSecrets(['A', 'B'], ['B', 'A'])).toBeUndefined()
  expect(missingSecrets(['A', 'B'], ['B'])).toBe(
    '.raibid.yaml needs the secret A, which this job was not given: set it in your environment and enqueue with --secret A',
  )
  expect(missingSecrets(['A', 'B'], [])).toMatch(/the secrets A, B,.* with --secret A --secret B$/)
})
