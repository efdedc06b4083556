import { expect, test } from 'vitest'
import { firstErrors } from '#lib/jobs/first-errors.ts'

const noise = (n: number): string => Array.from({ length: n }, (_, i) => `   Compiling crate-error-${i} v0.1.${i}`).join('\n')

test.for<[string, string, string[]]>([
  [
    'rustc',
    `${noise(50)}
error[E0308]: mismatched types
 --> src/lib.rs:3:5
  |
3 |     "x"
  |     ^^^ expected \`u32\`, found \`&str\`

error: could not compile \`hello\` (lib) due to 1 previous error`,
    ['error[E0308]: mismatched types', ' --> src/lib.rs:3:5'],
  ],
  [
    'cargo test',
    `test error_handling ... ok
test tests::adds ... FAILED

failures:

---- tests::adds stdout ----
thread 'tests::adds' panicked at src/lib.rs:12:9:
assertion \`left == right\` failed

test result: FAILED. 1 passed; 1 failed
error: test failed, to rerun pass \`--lib\``,
    ['test tests::adds ... FAILED', "thread 'tests::adds' panicked at src/lib.rs:12:9:"],
  ],
  [
    'node',
    `/app/a.js:3
    throw new TypeError('x is not a function')
    ^

TypeError: x is not a function
    at Object.<anonymous> (/app/a.js:3:9)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)

Node.js v24.0.0`,
    ['TypeError: x is not a function', '    at Object.<anonymous> (/app/a.js:3:9)'],
  ],
  ['node, with a code', 'Error [ERR_X]: no\nmore', ['Error [ERR_X]: no']],
  ['node:test', '✔ a (1ms)\n✖ b (2ms)\nℹ fail 1', ['✖ b (2ms)']],
  ['tsc', "src/a.ts(3,5): error TS2322: Type 'x'.\nFound 1 error.", ["src/a.ts(3,5): error TS2322: Type 'x'."]],
  ['eslint', '/app/a.js\n  3:5  error  bad  no-bad\n  4:1  warning  x  y', ['  3:5  error  bad  no-bad']],
  [
    'jest',
    `PASS src/ok.test.js
FAIL src/sum.test.js
  ● sum › adds

    expect(received).toBe(expected)
      at Object.toBe (src/sum.test.js:4:17)`,
    ['FAIL src/sum.test.js', '  ● sum › adds'],
  ],
  [
    'pytest',
    `tests/test_a.py::test_error PASSED
    def test_b():
>       assert f() == 2
E       assert 1 == 2
E        +  where 1 = f()
FAILED tests/test_a.py::test_b - assert 1 == 2`,
    ['E       assert 1 == 2', 'E        +  where 1 = f()', 'FAILED tests/test_a.py::test_b - assert 1 == 2'],
  ],
  [
    'python',
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    import x\nModuleNotFoundError: No module named \'x\'',
    ["ModuleNotFoundError: No module named 'x'"],
  ],
  [
    'unittest',
    'F\n=====\nFAIL: test_a (tests.T.test_a)\n-----\nAssertionError: 1 != 2\nFAILED (failures=1)',
    ['FAIL: test_a (tests.T.test_a)', 'AssertionError: 1 != 2'],
  ],
  [
    'go test',
    `=== RUN   TestFor
--- FAIL: TestFor (0.00s)
    a_test.go:8: For("x") = "y"
FAIL
FAIL	example.org/hello	0.003s
FAIL`,
    ['--- FAIL: TestFor (0.00s)', '    a_test.go:8: For("x") = "y"'],
  ],
  ['go build', '# example.org/x\n./main.go:5:2: undefined: y', ['./main.go:5:2: undefined: y']],
  ['bash', 'bash: line 1: nope: command not found', ['bash: line 1: nope: command not found']],
  ['colours are left out', '\x1b[31merror\x1b[0m: no such file', ['error: no such file']],
  ['only vague words', 'hello\nthe upload failed with 500\n0 errors', ['the upload failed with 500']],
  ['only a summary', 'FAIL\texample.org/x\t0.1s', ['FAIL\texample.org/x\t0.1s']],
  ['nothing of the kind: the last lines', '1\n2\n3\n4\n\n5\n6\n', ['2', '3', '4', '5', '6']],
  ['nothing', '\n', []],
  ['five at the most', Array.from({ length: 9 }, (_, i) => `error: ${i}`).join('\n'), [0, 1, 2, 3, 4].map((i) => `error: ${i}`)],
])('%s', ([, output, expected]) => {
  expect(firstErrors(output)).toEqual(expected)
})

test.each([
  ' '.repeat(2_000_000),
  'A'.repeat(2_000_000),
  'a.'.repeat(1_000_000),
  'error '.repeat(400_000),
  '\r'.repeat(2_000_000),
])('an output of one long line is read at once', (output) => {
  const begin = performance.now()
  firstErrors(output)
  expect(performance.now() - begin).toBeLessThan(3000)
})
