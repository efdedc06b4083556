import { expect, test } from 'vitest'
import { hasCiRecipe } from '#lib/pipeline/justfile.ts'

test.for([
  ['ci:\n  make\n', true],
  ['@ci: build (test "x") && done\n', true],
  ['ci a="b:c" $d=\'e\' *rest: x\n', true],
  ['ci a=(b + (c / "d")) :\n', true],
  ['alias ci := check\n', true],
  ["[private]\n[group('x')]\nci:\n", true],
  ['[linux]\n[windows]\nci:\n', true],
  ["x:\n  echo don't\n\nci: x\n", true],
  ["set shell := ['bash', '-c']\nci:\n", true],
  ['\uFEFFci:\r\n  make\r\n', true],
  ['[windows]\nci:\n', false],
  ['ci target:\n', false],
  ['ci +targets:\n', false],
  ['ci := "x"\n', false],
  ['ci-all:\n', false],
  ['# ci:\n', false],
  ['x:\n  ci: y\n', false],
  ["x := '''\nci:\n'''\n", false],
  ['x := `\nci:\n`\n', false],
  ['x := "never ends\nci:\n', false],
  ['', false],
] as const)('%j: %s', ([text, has]) => {
  expect(hasCiRecipe(text)).toBe(has)
})

test.each([`x := "${'\\"'.repeat(400_000)}`, `ci ${'('.repeat(400_000)}${')'.repeat(400_000)} x:`, `ci ${' '.repeat(800_000)}x`])(
  'a hostile one is read at once',
  (text) => {
    const begin = performance.now()
    expect(hasCiRecipe(text)).toBe(false)
    expect(performance.now() - begin).toBeLessThan(3000)
  },
)
