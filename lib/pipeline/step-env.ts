/** The environment of a step: what a build needs from the machine, and nothing of raibid-ci's own. */
import { homedir } from 'node:os'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()])

const allowed = new Set([
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'],
  'STORAGE_DRIVER', // of buildah
  ...['CARGO_HOME', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GOFLAGS', 'JAVA_HOME', 'PYENV_ROOT', 'UV_CACHE_DIR'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'PIP_CERT'],
  ...['GIT_SSL_CAINFO', 'CARGO_HTTP_CAINFO'],
  ...proxies,
])
const allowedPrefix = /^(?:LC_|RUSTUP_|PIP_|npm_config_|NPM_CONFIG_)/

/** What npm and npx tell their children about themselves: about raibid-ci, not about the build. */
const injected =
  /^npm_config_(?:user_agent|npm_version|node_gyp|local_prefix|global_prefix|prefix|globalconfig|userconfig|init[._]module|package|call|yes|noproxy|argv)$/
/** Logins for registries reach a step as a job's secrets only. */
const login = /^npm_config_.*(?:auth|password|token)/i

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** `node_modules/.bin` of raibid-ci and of the folders above it, npx's own, and anything relative. */
function isOurs(folder: string): boolean {
  if (!folder.startsWith('/') || folder.startsWith(`${root}/node_modules/`)) return true
  if (/\/_npx\/[^/]+\/node_modules\/|\/node-gyp-bin\/?$/.test(folder)) return true
  const owner = /^(.*)\/node_modules\/\.bin\/?$/.exec(folder)?.[1]
  return owner !== undefined && `${root}/`.startsWith(`${owner}/`)
}

/** A PATH without the folders that raibid-ci and npm put into it, so that a build finds the machine's tools. */
export function stepPath(path = ''): string {
  const folders = path.split(delimiter).filter((folder) => !isOurs(folder))
  return folders.join(delimiter) || defaultPath
}

/** The rule for the names that a step sees of the machine's environment, for a script that is to run elsewhere. */
export const seenNames = { names: [...allowed].sort(), prefix: allowedPrefix.source }

export interface StepEnvironmentOptions {
  base: NodeJS.ProcessEnv
  /** Set in any case; the only place where RAIBID_ variables come from. */
  extra: Record<string, string>
  /** Names of further variables to take over from `base`. */
  pass: string[]
}

/** The complete environment of a step (or of git): the allow-list, `pass`, `extra`. */
export function stepEnvironment({ base, extra, pass }: StepEnvironmentOptions): Record<string, string> {
  const env: Record<string, string> = { PATH: stepPath(base['PATH']), TERM: 'dumb' }
  const passed = new Set(pass)
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || /^RAIBID_/i.test(name) || name === 'PATH') continue
    const usual = allowed.has(name) || (allowedPrefix.test(name) && !injected.test(name) && !login.test(name))
    if (usual || passed.has(name)) env[name] = value
  }
  // Few tools do without it, and not every service manager sets it.
  env['HOME'] ??= homedir()
  return { ...env, ...extra }
}
