import { expect, test } from 'vitest'
import { UsageError } from '#lib/errors.ts'
import { compilePattern } from '#lib/mirror/pattern.ts'

test.each([
  ['^rust-', 'rust-lang', true],
  ['^rust-', 'my-rust-lang', false],
  ['-old$', 'x-old', true],
  ['old', 'x-older', true],
  ['(?i)^RUST', 'rusty', true],
  ['^Rust', 'rusty', false],
  ['^\\p{Cyrillic}+$', 'зеркало', true],
  ['^зер', 'зеркало', true],
  ['^.$', '𝒳', true],
  ['鏡|ミラー', 'ミラー-site', true],
  ['', 'anything', true],
])('/%s/ on %s: %s', (text, name, expected) => {
  expect(compilePattern(text, '--exclude').test(name)).toBe(expected)
})

test.each([
  ['(a+)+$', `${'a'.repeat(100_000)}!`],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(100_000)],
  ['(x+x+)+y', 'x'.repeat(100_000)],
  ['(.*)*=', 'z'.repeat(100_000)],
  ['(a|aa|aaa)*b', 'a'.repeat(100_000)],
])('hostile /%s/ ends', (text, name) => {
  // a backtracking engine needs longer than the age of the universe: there is nothing to time
  expect(compilePattern(text, 'include').test(name)).toBe(false)
})

test.each([
  ['a(', 'missing closing ) of what opens, at character 2'],
  ['(a)(b', 'missing closing ) of what opens, at character 4'],
  ['a(b(c)', 'missing closing ) of what opens, at character 2'],
  ['x[a-', 'missing closing ] of what opens, at character 2'],
  ['a[', 'missing closing ] of what opens, at character 2'],
  ['ab)', 'unexpected ), at character 3'],
  ['x[z-a]', 'invalid character class range z-a, at character 3'],
  ['*a', 'missing argument to repetition operator *, at character 1'],
  ['\\**|*', 'missing argument to repetition operator *, at character 5'],
  ['a**', 'invalid nested repetition operator **, at character 2'],
  ['зеркало**', 'invalid nested repetition operator **, at character 8'],
  ['𝒳𝒳(b', 'missing closing ) of what opens, at character 3'],
  ['ab{2000}', 'invalid repeat count {2000}, at character 3'],
  ['a\\', 'trailing backslash at end of expression, at character 2'],
  [
    'a(?=b)',
    'it looks ahead or behind (?=, ?!), which linear time does not allow; use an exclude beside the include, at character 2',
  ],
  [
    '(?!old)',
    'it looks ahead or behind (?=, ?!), which linear time does not allow; use an exclude beside the include, at character 1',
  ],
  ['(a)\\1', 'it refers back to a group, which linear time does not allow, at character 4'],
  ['(?P<n>a)(?P<n>b)', 'duplicate capture group name n, at character 13'],
  ['((((x{100}){100}){100}))', 'invalid repeat count {100}, at character 12'],
])('%s is refused by name and position', (text, words) => {
  const error = thrown(() => compilePattern(text, '--exclude'))
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toBe(`--exclude: /${text}/ is no regular expression: ${words}`)
})

test('what is too long, or no text, is refused', () => {
  expect(thrown(() => compilePattern('x'.repeat(501), 'mirrors.yaml:3: include')).message).toBe(
    'mirrors.yaml:3: include: it is 501 characters long; at most 500 are allowed',
  )
  expect(thrown(() => compilePattern('\ud800', 'include')).message).toContain('no well-formed')
  expect(thrown(() => compilePattern('\u001b[31m(\n', 'include')).message).not.toMatch(/[\u001b\n]/)
})

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  return expect.fail('no error')
}
