/** Finds the lines of a failed step's output that a person would look for first. */
import { stripVTControlCharacters } from 'node:util'

/** Lines that say what is wrong: compilers, test runners and the runtimes of the languages that raibid-ci knows. */
const clear = [
  /^error(?:\[\w+\])?: /, // rustc, cargo
  /^thread '.*' .*panicked at /,
  /^test .+ \.\.\. FAILED$/,
  /^\s*(?:Uncaught )?(?:\w+\.)*[A-Z]\w*(?:Error|Exception)(?: \[\w+\])?(?:: |$)/, // node, python
  /^(?:not ok \d+|\s*[✖✕×] )(?!.*# TODO)/, // node:test, jest, vitest
  /^\s*● .+ › /, // jest
  /^\s*FAIL\s+\S/, // jest, vitest, go
  /^\s*--- FAIL: /, // go
  /^panic: /,
  /^E\s{2,}\S/, // pytest
  /^(?:FAIL|ERROR): \w+ \(/, // unittest
  /^(?:FAILED|ERROR) \S+\.py/,
  /^\S+\.\w+[:(]\d+[:,]\d+\)?: (?:fatal )?error\b/, // tsc, gcc, clang
  /^(?:vet: )?\S+\.go:\d+:\d+: /,
  /^\S+\.py:\d+:\d+: [A-Z]+\d+ /, // ruff
  /^\s+\d+:\d+\s+error\s/, // eslint
  /^(?:\S+: line \d+: )?\S+: command not found$/,
  /^make(?:\[\d+\])?: \*\*\* /,
  /^(?:npm error|npm ERR!) (?!A complete log|code |errno |path |command |\/)/,
  /^fatal: /,
]
/** That something failed, without saying what: looked at only where nothing else was found. */
const summary =
  /^error: (?:could not compile|test failed|\d+ targets? failed|process didn't exit)|^\s*FAIL(?:\s+\S+\s+[\d.]+m?s)?$|^FAIL\t/
const vague = /\b(?:error|failed|failure|fatal|cannot|can't)\b/i
const harmless = /\b(?:0|no) (?:errors?|failed|failures?)\b|\.\.\. ok$|\bPASSED\b|^\s*✓/i
/** Where it is: worth its line when it stands right below such a line. */
const where = /^\s+(?:--> |at .*:\d+|\S+_test\.go:\d+)/

const most = 5
const longest = 300

/** At most five lines: the clear ones and where they point to; else those that speak of an error; else the last ones. */
export function firstErrors(output: string): string[] {
  const lines = stripVTControlCharacters(output)
    .split(/\r?\n/)
    .map((line) =>
      line
        .slice(line.lastIndexOf('\r') + 1)
        .slice(0, longest)
        .trimEnd(),
    )
    .filter((line) => line.trim() !== '')
  const speaks = (line: string): boolean => vague.test(line) && !harmless.test(line)
  for (const wanted of [isClear, speaks]) {
    const found = pick(lines, wanted)
    if (found.length) return found
  }
  return lines.slice(-most)
}

const isClear = (line: string): boolean => !summary.test(line) && clear.some((shape) => shape.test(line))

function pick(lines: string[], wanted: (line: string) => boolean): string[] {
  const found = new Set<string>()
  let before = false
  for (const line of lines) {
    const below: boolean = before && where.test(line)
    if (below || wanted(line)) found.add(line)
    // one place for each
    before = !below && wanted(line)
    if (found.size === most) break
  }
  return [...found]
}
