import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { addReports, parseJunit } from '#lib/reports/junit.ts'
import { encodingOf } from '#lib/reports/text.ts'
import { failedTests, testsText } from '#lib/jobs/tests.ts'

async function* pieces(text: string, size = 7): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}
const parse = (text: string, mask?: (text: string) => string) => parseJunit(pieces(text), mask)
const suite = (cases: string): string => `<?xml version="1.0"?><testsuites><testsuite name="s">${cases}</testsuite></testsuites>`

describe('what runners wrote, recorded', () => {
  // nextest 0.9.151, jest 30.5 with jest-junit 17, vitest 4.1, node --test of Node 24, gotestsum with Go 1.26
  const read = (name: string) => parse(readFileSync(new URL(`../../../fixtures/reports/${name}.xml`, import.meta.url), 'utf8'))
  test.each<[string, number[], [string, string][]]>([
    ['nextest', [2, 1, 0], [['sample › tests::bad', "thread 'tests::bad' (31390) panicked at src/lib.rs:6:66"]]],
    ['jest-junit', [2, 1, 1], [['sums bad & <odd>', 'Error: expect(received).toBe(expected) // Object.is equality']]],
    ['vitest', [1, 1, 1], [['v/a.test.mjs › sums > bad & <odd>', 'expected 2 to be 3 // Object.is equality']]],
    ['node-test', [1, 1, 1], [['test › bad & <odd>', '2 == 3']]],
    [
      'gotestsum',
      [1, 2, 1],
      [
        ['example.org/sample › TestBad/inner_<odd>', 'a_test.go:4: got 2, want 3'],
        ['example.org/sample › TestBad', ''],
      ],
    ],
  ])('%s', async (name, [passed, failed, skipped], failures) => {
    const all = failures.map(([test, message]) => ({ name: test, message }))
    expect(await read(name)).toEqual({ passed, failed, skipped, failures: all })
  })
})

describe('what runners write', () => {
  test('pytest: the class before the name, the first line of the message', async () => {
    const text = suite(
      '<testcase classname="tests.test_a" name="test_ok" time="0.1"/>' +
        '<testcase classname="tests.test_a" name="test_bad[1]"><failure message="assert 1 == 2&#10;  + where">def test_bad…</failure></testcase>' +
        '<testcase classname="" name="tests.test_b"><error message="collection failure">x</error></testcase>' +
        '<testcase classname="c" name="later"><skipped type="pytest.skip" message="no"/></testcase>',
    )
    expect(await parse(text)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 1,
      failures: [
        { name: 'tests.test_a › test_bad[1]', message: 'assert 1 == 2' },
        { name: 'tests.test_b', message: 'collection failure' },
      ],
    })
  })

  test('nextest: a flaky test passed; the text is the message where there is no attribute', async () => {
    const text = suite(
      '<testcase name="tests::flaky" classname="app"><flakyFailure type="x"/></testcase>' +
        '<testcase name="tests::bad" classname="app"><failure type="test failure"><![CDATA[\n\nthread \'tests::bad\' panicked]]></failure><system-out>o</system-out></testcase>',
    )
    const report = await parse(text)
    expect(report).toMatchObject({
      passed: 1,
      failed: 1,
      failures: [{ name: 'app › tests::bad', message: "thread 'tests::bad' panicked" }],
    })
  })

  test('jest-junit repeats the class in the name; go-junit-report has one suite alone', async () => {
    const text = '<testsuite><testcase classname="sums adds" name="sums adds"><failure>Error: no</failure></testcase></testsuite>'
    expect((await parse(text))?.failures).toEqual([{ name: 'sums adds', message: 'Error: no' }])
  })

  test('other XML is not JUnit', async () => expect(await parse('<coverage><testcase/></coverage>')).toBeNull())
})

describe('hostile XML', () => {
  const laughs = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>`
  test.each([
    ['entities that grow', laughs, /has a DOCTYPE/],
    ['an entity of a file', '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', /has a DOCTYPE/],
    ['an unknown entity', '<testsuite><testcase name="&xxe;"/></testsuite>', /not well-formed XML/],
    ['no XML', 'tests: 3\n', /not well-formed XML/],
    ['nothing', '', /not well-formed XML/],
    ['half of it', '<testsuite><testcase name="a">', /not well-formed XML/],
    ['deep', '<testsuite>'.repeat(100), /more than 64 levels deep/],
    ['attributes', `<testsuite ${Array.from({ length: 1001 }, (_, i) => `a${i}="1"`).join(' ')}/>`, /too many attributes/],
    ['entities', `<testsuite a="${'&amp;'.repeat(200_001)}"/>`, /too many entities/],
    ['wrong order', '<testsuite><a></testsuite></a>', /not well-formed XML/],
  ])('%s', async (_, text, why) => {
    await expect(parse(text)).rejects.toThrow(why)
    expect(await parse(text).catch((error: Error) => error.name)).toBe('Error')
  })

  test('names and messages are one short line without control characters; 20 of many are kept', async () => {
    const one = `<testcase name="a&#x9b;2J\u202eb"><failure message="${'m'.repeat(1000)}"/></testcase>`
    const report = (await parse(suite(one.repeat(30))))!
    expect([report.failed, report.failures.length]).toEqual([30, 20])
    expect(report.failures[0]).toEqual({ name: 'ab', message: `${'m'.repeat(299)}…` })
  })

  test('characters that XML does not allow don’t spoil the rest', async () => {
    expect(await parse('<testsuite><testcase name="a"/><system-out>\u001b[31mred\u0000</system-out></testsuite>')).toMatchObject({
      passed: 1,
    })
  })

  test('a secret is hidden before the line is cut', async () => {
    const mask = (text: string): string => text.replaceAll('s3cret-value', '***')
    const text = suite(`<testcase name="a"><failure message="${'x'.repeat(293)}s3cret-value"/></testcase>`)
    expect((await parse(text, mask))!.failures[0]!.message).toBe(`${'x'.repeat(293)}***`)
  })

  test('names that are those of every object are only names', async () => {
    const text = '<testsuite><testcase __proto__="x" constructor="y" name="hasOwnProperty"><failure/></testcase></testsuite>'
    expect((await parse(text))!.failures).toEqual([{ name: 'hasOwnProperty', message: '' }])
  })
})

test.each([
  [Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?>'), 'iso-8859-1'],
  [Buffer.from('\ufeff<testsuite/>', 'utf16le'), 'utf-16le'],
  [Buffer.from('<testsuite/>'), 'utf-8'],
  [Buffer.from('<?xml version="1.0" encoding="UTF-16"?>'), 'utf-8'],
])('the encoding of %s', (head, encoding) => expect(encodingOf(head)).toBe(encoding))

test('in words', () => {
  const failures = [
    { name: 'a', message: 'no' },
    { name: 'b', message: '' },
  ]
  const tests = addReports(
    { passed: 1, failed: 1, skipped: 0, failures: [failures[0]!] },
    { passed: 2, failed: 1, skipped: 1, failures: [failures[1]!] },
  )
  expect(testsText(tests)).toBe('2 of 5 tests failed, 1 skipped')
  expect(testsText({ passed: 1, failed: 0, skipped: 0, failures: [] })).toBe('1 test passed')
  const step = { name: 's', state: 'failed' as const, exitCode: 1, durationMs: 1, tests }
  expect(failedTests([step])).toEqual(['a: no', 'b'])
  expect(failedTests([step], 1)).toEqual(['a: no', '… and 1 more'])
})
