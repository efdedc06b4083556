import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { stepEnvironment, stepPath } from '#lib/pipeline/step-env.ts'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const of = (base: NodeJS.ProcessEnv, pass: string[] = [], extra = {}): Record<string, string> =>
  stepEnvironment({ base: { HOME: '/h', PATH: '/bin', ...base }, extra, pass })

test.for([
  'LANG',
  'LC_ALL',
  'TZ',
  'CARGO_HOME',
  'RUSTUP_TOOLCHAIN',
  'PIP_INDEX_URL',
  'https_proxy',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'npm_config_registry',
])('%s is passed', (name) => {
  expect(of({ [name]: 'x' })[name]).toBe('x')
})

test.for([
  ...[
    'RAIBID_REDIS_URL',
    'RAIBID_GIT_CREDENTIALS',
    'RAIBID_MARK',
    'AWS_SECRET_ACCESS_KEY',
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'GIT_DIR',
    'SSH_AUTH_SOCK',
  ],
  ...[
    'npm_config_user_agent',
    'npm_lifecycle_event',
    'npm_package_name',
    'npm_config_local_prefix',
    'npm_config__authToken',
    'NPM_TOKEN',
    'INIT_CWD',
  ],
])('%s is not passed', (name) => {
  expect(of({ [name]: 'x' })).not.toHaveProperty(name)
})

test('names in `pass` are passed, but never RAIBID_ ones; `extra` outranks all', () => {
  const base = { EDITOR: 'vi', RAIBID_SECRET_KEY: 'k', TERM: 'xterm' }
  expect(of(base, ['EDITOR', 'RAIBID_SECRET_KEY', 'GONE'], { RAIBID_JOB_ID: '1', HOME: '/x' })).toEqual({
    PATH: '/bin',
    TERM: 'dumb',
    HOME: '/x',
    EDITOR: 'vi',
    RAIBID_JOB_ID: '1',
  })
})

test.for([
  [`${root}/node_modules/.bin:/usr/bin:/bin`, '/usr/bin:/bin'],
  [`/home/me/.npm/_npx/ab12/node_modules/.bin:${dirname(root)}/node_modules/.bin:/node_modules/.bin:/bin`, '/bin'],
  ['/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/bin', '/bin'],
  ['/other/node_modules/.bin:/bin', '/other/node_modules/.bin:/bin'],
  ['.:relative/bin::/bin', '/bin'],
  ['', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
] as const)('PATH %s becomes %s', ([path, expected]) => {
  expect(stepPath(path)).toBe(expected)
})
