/**
 * Reads JUnit XML, as test runners of all languages write it. Meant for hostile text: it is streamed, entities are never expanded, and depth and what
 * is remembered are bounded. The parser is loaded when there is a report.
 */
import { SaxesParser } from 'saxes'
import { safe } from '#lib/cli/untrusted.ts'
import type { TestReport } from '#lib/queue/types.ts'

/** Failed tests that are remembered by name, of one step. */
export const maxFailures = 20
const maxDepth = 64
const maxText = 300
/** Of one element: each costs far more memory than it has bytes. */
const maxAttributes = 1000
const maxEntities = 200_000
/** Of a message, before its first line is looked for. */
const maxTold = 4000

/** It is XML, or seems to be, but can't be used: the rest of a sentence. */
export class ReportError extends Error {}

export const emptyReport = (): TestReport => ({ passed: 0, failed: 0, skipped: 0, failures: [] })

/** What go test, through gotestsum, says of every failure. */
const saysNothing = /^(?:Failed$|=== (?:RUN|PAUSE|CONT)|--- FAIL: )/

/** The first line that says something, without control characters and secrets, short: cut only then, or half a secret would be left. */
const shownBy =
  (mask: (text: string) => string) =>
  (text: string): string => {
    const line = mask(safe(text.split(/[\r\n]+/).find((one) => one.trim() !== '' && !saysNothing.test(one)) ?? '').trim())
    return [...line].length > maxText ? `${[...line].slice(0, maxText - 1).join('')}…` : line
  }

interface Case {
  name: string
  outcome: 'passed' | 'failed' | 'skipped'
  message: string
}

/** Null for XML that is no JUnit. Throws ReportError for what is not well-formed, has a DOCTYPE, or goes too deep. */
export async function parseJunit(
  text: AsyncIterable<string>,
  mask: (text: string) => string = (text) => text,
): Promise<TestReport | null> {
  const shown = shownBy(mask)
  const parser = new SaxesParser<{ xmlns: false }>({ xmlns: false })
  const report = emptyReport()
  let depth = 0
  let attributeCount = 0
  let entities = 0
  let isJunit: boolean | undefined
  let current: Case | null = null
  let told: string | null = null

  const stop = (why: string): never => {
    throw new ReportError(why)
  }
  // what a test printed may hold characters that XML doesn't allow; its result is still good
  parser.on('error', ({ message }) =>
    /disallowed character/.test(message) ? undefined : stop(`is not well-formed XML (${shown(message)})`),
  )
  // the one place where entities could be declared
  parser.on('doctype', () => stop('has a DOCTYPE, which no test report needs'))
  parser.on('attribute', () => void (++attributeCount > maxAttributes && stop('has an element with too many attributes')))
  parser.on('opentag', ({ name, attributes }) => {
    attributeCount = 0
    isJunit ??= name === 'testsuites' || name === 'testsuite'
    if (++depth > maxDepth) stop(`is nested more than ${maxDepth} levels deep`)
    if (name === 'testcase') current = { name: nameOf(attributes), outcome: 'passed', message: '' }
    else if (current && (name === 'failure' || name === 'error')) {
      current.outcome = 'failed'
      current.message ||= shown((attributes['message'] ?? '').slice(0, maxTold))
      told = ''
    } else if (current?.outcome === 'passed' && name === 'skipped') current.outcome = 'skipped'
  })
  const onText = (piece: string): void => {
    if (told !== null && told.length < maxTold) told += piece.slice(0, maxTold)
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', ({ name }) => {
    depth--
    if (current && told !== null && (name === 'failure' || name === 'error')) {
      current.message ||= shown(told)
      told = null
    }
    if (!current || name !== 'testcase') return
    report[current.outcome]++
    if (current.outcome === 'failed' && report.failures.length < maxFailures)
      report.failures.push({ name: shown(current.name) || '(a test without a name)', message: current.message })
    current = null
  })
  for await (const piece of text) {
    for (const [sign] of piece.matchAll(/[<&]/g)) entities = sign === '<' ? 0 : entities + 1
    if (entities > maxEntities) stop('has an element with too many entities')
    parser.write(piece)
    if (isJunit === false) return null
  }
  parser.close()
  return isJunit ? report : null
}

/** With its class or module, where the name doesn't say that itself. */
function nameOf({ name = '', classname = '' }: Record<string, string>): string {
  const [short, long] = [name.slice(0, maxTold), classname.slice(0, maxTold)]
  return long === '' || short.startsWith(long) ? short : `${long} › ${short}`
}

/** The sum of two; of failures, the first ones. */
export const addReports = (a: TestReport, b: TestReport): TestReport => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  failures: [...a.failures, ...b.failures].slice(0, maxFailures),
})
