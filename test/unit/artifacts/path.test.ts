import { describe, expect, test } from 'vitest'
import { pathMatcher, pathProblem } from '#lib/artifacts/path.ts'

describe('paths of artifacts', () => {
  test.each(['a', 'target/release/app', 'a b/ü.txt', '.hidden', 'a..b/..c'])('%j may be one', (path) => {
    expect(pathProblem(path)).toBeUndefined()
  })

  test.each([
    ['', 'is empty'],
    ['/etc/passwd', 'does not lie in the workspace'],
    ['~/x', 'does not lie in the workspace'],
    ['..', 'leads out of the workspace'],
    ['a/../../b', 'leads out of the workspace'],
    ['a//b', 'has an empty part'],
    ['a/', 'has an empty part'],
    ['./a', 'has an empty part'],
    ['a\\b', 'contains a backslash'],
    ['a\u001b[2Jb', 'contains a control character'],
    ['a\nb', 'contains a control character'],
    ['a\0b', 'contains a control character'],
    ['a\ud800', 'is not valid text'],
    ['x'.repeat(256), 'has a part of more than 255 bytes'],
    [`${'x/'.repeat(600)}x`, 'is longer than 1024 bytes'],
  ])('%j: %s', (path, problem) => expect(pathProblem(path)).toBe(problem))
})

/** Whether a pattern means a path, and the folders that a walk would enter on the way. */
function walk(pattern: string, path: string): { means: boolean; entered: number } {
  const matcher = pathMatcher([pattern])
  let places: ReturnType<typeof matcher.step> = matcher.start
  let entered = 0
  for (const part of path.split('/')) {
    places = matcher.step(places, part)
    if (!places) return { means: false, entered }
    entered++
  }
  return { means: matcher.matched(places).length > 0, entered }
}

describe('patterns of artifacts', () => {
  test.each([
    ['target/release/app', 'target/release/app'],
    ['./target/release/app', 'target/release/app'],
    ['reports/*.xml', 'reports/a.xml'],
    ['**/*.xml', 'a.xml'],
    ['**/*.xml', 'a/b/c.xml'],
    ['a/**/z', 'a/z'],
    ['a/**/z', 'a/b/c/z'],
    ['dist', 'dist/a/b.js'],
    ['dist/', 'dist/a.js'],
    ['**', 'a/b'],
    ['a?c', 'abc'],
    ['[x]', '[x]'],
  ])('%s means %s', (pattern, path) => expect(walk(pattern, path).means).toBe(true))

  test.each([
    ['reports/*.xml', 'reports/a/b.xml'],
    ['*.xml', 'a/b.xml'],
    ['a/**/z', 'b/z'],
    ['dist', 'distance'],
    ['a?c', 'ac'],
  ])('%s does not mean %s', (pattern, path) => expect(walk(pattern, path).means).toBe(false))

  test('a folder in which nothing can match is not entered', () => {
    expect(walk('target/release/app', 'node_modules/x/y').entered).toBe(0)
    expect(walk('target/release/app', 'target/debug/y').entered).toBe(1)
  })

  test('many stars take no more than a moment', () => {
    const begun = performance.now()
    expect(walk(`${'**/'.repeat(40)}${'*a'.repeat(40)}b`, `${'x/'.repeat(100)}${'a'.repeat(200)}`).means).toBe(false)
    expect(performance.now() - begun).toBeLessThan(500)
  })
})
