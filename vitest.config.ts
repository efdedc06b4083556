import { existsSync, mkdtempSync } from 'node:fs'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// One private folder per run: no test reads the developer's ~/.gitconfig or ~/.npmrc, or leaves anything outside it.
const scratch = (process.env['RAIBID_TEST_SCRATCH'] ??= mkdtempSync(join(tmpdir(), 'raibid-test-')))
// Rustup's cargo finds its toolchains by HOME, unless told.
const rustup = process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup')

const env = {
  HOME: scratch,
  TMPDIR: scratch,
  NO_COLOR: '1',
  RAIBID_HOME: join(scratch, 'raibid'),
  RAIBID_REDIS_URL: '',
  // nor does one reach the developer's cluster
  KUBECONFIG: '',
  ...(existsSync(rustup) && { RUSTUP_HOME: rustup }),
}

export default defineConfig({
  test: {
    // most of the time these tests wait: with one worker, vitest's own choice for two cores, a run takes twice as long
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/helpers/skips-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          env,
          setupFiles: ['./test/helpers/no-network.ts'],
          globalSetup: ['./test/helpers/scratch.ts'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          env,
          globalSetup: ['./test/helpers/scratch.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // With a real API server and KEDA's operator: RAIBID_TEST_KUBECONFIG says where (test/e2e/README.md).
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          env,
          globalSetup: ['./test/helpers/scratch.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
