import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, test } from 'vitest'

const installed = (tool: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** `needs('cargo').test('builds', …)`: where a tool isn't installed the test is skipped, and its name says why (the summary lists it). */
export function needs(...tools: string[]) {
  const missing = tools.filter((tool) => !installed(tool))
  const named = (name: string) => (missing.length ? `${name} [skipped: ${missing.join(', ')} not installed]` : name)
  return {
    missing,
    describe: (name: string, body: () => void) => describe.skipIf(missing.length > 0)(named(name), body),
    test: (name: string, body: () => Promise<void> | void, timeout?: number) =>
      test.skipIf(missing.length > 0)(named(name), body, timeout),
  }
}
