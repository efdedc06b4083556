import type { Reporter, TestModule } from 'vitest/node'

/** Ends the summary with the name of every test that was skipped, so that "passed" never hides what wasn't tried. */
export default class SkipsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId}: ${test.fullName}`),
    )
    if (skipped.length)
      process.stdout.write(`\n Skipped ${skipped.length}:\n${skipped.map((name) => `  - ${name}\n`).join('')}\n`)
  }
}
