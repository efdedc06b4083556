#!/usr/bin/env node
import type { Spec } from '#lib/cli/args.ts'
import { info, print, printJson } from '#lib/cli/log.ts'
import { main } from '#lib/cli/main.ts'
import type { Finding } from '#lib/doctor-finding.ts'

export const spec = {
  name: 'doctor',
  group: 'check',
  summary: 'Check every prerequisite, and say how to mend what is missing',
  flags: { json: { type: 'boolean', description: 'Print the findings as one JSON document' } },
  examples: ['just doctor', 'just doctor --json'],
} satisfies Spec

const marks = { ok: '✓', warn: '!', fail: '✗' }

/** One finding a line; under what isn't well, how to mend it. */
export const report = (findings: readonly Finding[]): string =>
  findings
    .flatMap(({ name, state, found, mend }) => [
      `${marks[state]} ${name.padEnd(14)} ${found}`,
      ...(mend ? [`${' '.repeat(17)}→ ${mend}`] : []),
    ])
    .join('\n')

if (import.meta.main) {
  await main(spec, async ({ json }) => {
    const [{ loadConfig }, { diagnose }] = await Promise.all([import('#lib/config.ts'), import('#lib/doctor.ts')])
    const findings = await diagnose(await loadConfig())
    if (json) printJson(findings)
    else print(report(findings))
    const failed = findings.filter(({ state }) => state === 'fail').length
    if (failed) info(`${failed} needed ${failed === 1 ? 'thing is' : 'things are'} missing.`)
    return failed ? 1 : 0
  })
}
