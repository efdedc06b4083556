import { defineConfig } from 'vitest/config'

// A config of its own: figures are measured on request (`just bench`), one file at a time, never beside the tests.
export default defineConfig({
  test: { root: '.', include: ['test/bench/**/*.bench.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 60_000 },
})
