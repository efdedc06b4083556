/** What test reports say, in words. */
import type { Step, TestReport } from '#lib/queue/types.ts'

/** `2 of 45 tests failed`, `45 tests passed, 3 skipped`. */
export function testsText({ passed, failed, skipped }: TestReport): string {
  const ran = passed + failed
  const tests = (count: number): string => `${count} test${count === 1 ? '' : 's'}`
  const told = failed ? `${failed} of ${tests(ran)} failed` : `${tests(passed)} passed`
  return skipped ? `${told}, ${skipped} skipped` : told
}

/** The failed tests of some steps by name, one a line, with what they say. */
export function failedTests(steps: readonly Step[], most = Infinity): string[] {
  const all = steps.flatMap(({ tests }) => tests?.failures ?? [])
  const failed = steps.reduce((sum, { tests }) => sum + (tests?.failed ?? 0), 0)
  const named = all.slice(0, most)
  const more = failed - named.length
  return [
    ...named.map(({ name, message }) => (message ? `${name}: ${message}` : name)),
    ...(named.length && more > 0 ? [`… and ${more} more`] : []),
  ]
}
