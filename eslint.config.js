import { builtinModules } from 'node:module'
import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const bareBuiltins = builtinModules
  .filter((name) => !name.startsWith('_') && !name.startsWith('node:'))
  .map((name) => ({ name, message: `Write node:${name}.` }))

const fence = {
  redis: { group: ['ioredis'], message: 'Only lib/queue, lib/pool and the doctor know Redis.' },
  kube: { group: ['@kubernetes/client-node'], message: 'Only lib/cluster and lib/server may pay for the Kubernetes client.' },
  zx: { group: ['zx', 'zx/*'], message: 'Commands run through lib/exec.ts.' },
  tasks: { group: ['#tasks/*', '**/tasks/**'], message: 'Imports go tasks → lib ← agent.' },
  agent: { group: ['#agent/*', '**/agent/**'], message: 'Imports go tasks → lib ← agent.' },
}
// A type costs nothing at run time and ties nothing together.
const imports = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    { paths: bareBuiltins, patterns: patterns.map((p) => ({ ...p, allowTypeImports: true })) },
  ],
})
const kubeImport = { selector: 'ImportExpression[source.value="@kubernetes/client-node"]', message: fence.kube.message }
const { redis, kube, zx, tasks, agent } = fence

export default defineConfig(
  { ignores: ['node_modules', '.raibid', 'fixtures', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'test', 'it'], package: 'vitest' }] },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      'no-control-regex': 'off',
      'no-console': 'error',
      'no-restricted-syntax': ['error', kubeImport],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'exit',
          message: 'Throw a RaibidError, or set process.exitCode: output must not be cut off.',
        },
      ],
      ...imports(redis, kube, zx),
    },
  },
  {
    files: ['lib/server/pages/static/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'location', 'fetch', 'DOMParser', 'EventSource', 'setTimeout', 'innerHeight', 'scrollY', 'scrollTo'].map(
          (name) => [name, 'readonly'],
        ),
      ),
    },
    rules: { 'no-control-regex': 'off' },
  },
  { files: ['lib/**/*.ts'], rules: imports(redis, kube, zx, tasks, agent) },
  { files: ['lib/{queue,pool}/**/*.ts'], rules: imports(kube, zx, tasks, agent) },
  { files: ['lib/{cluster,server}/**/*.ts'], rules: { ...imports(redis, zx, tasks, agent), 'no-restricted-syntax': 'off' } },
  { files: ['lib/exec.ts'], rules: imports(redis, kube, tasks, agent) },
  { files: ['lib/doctor*.ts'], rules: imports(kube, zx, tasks, agent) },
  { files: ['agent/**/*.ts'], rules: imports(redis, kube, zx, tasks) },
  { files: ['test/**/*.ts'], rules: { ...imports(kube), '@typescript-eslint/no-explicit-any': 'off' } },
  { files: ['lib/cli/**/*.ts', 'agent/main.ts', 'test/bench/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['lib/cli/main.ts', 'agent/main.ts'], rules: { 'no-restricted-properties': 'off' } },
)
