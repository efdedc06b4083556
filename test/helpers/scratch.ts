import { rmSync } from 'node:fs'

/** Removes the run's private folder (vitest.config.ts) when the run ends. */
export default function setup(): () => void {
  return () => {
    const scratch = process.env['RAIBID_TEST_SCRATCH']
    if (scratch) rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
}
