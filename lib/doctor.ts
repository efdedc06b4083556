import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from './config.ts'
import { env } from './contract.ts'
import { atLeast, bad, good, type Finding } from './doctor-finding.ts'
import { pool, redis } from './doctor-pool.ts'
import { messageOf } from './errors.ts'

const run = promisify(execFile)
const setup = 'just setup'

/** Checks everything that raibid-ci needs or could use on this machine, all at once. */
export async function diagnose(config: Config): Promise<Finding[]> {
  const asked = [
    tool('git', ['--version'], [2, 30], setup),
    tool('redis-server', ['--version'], [7, 0], setup),
    tool('bash', ['--version'], [4, 0], 'install bash'),
    redis(config.redisUrl),
    ...optionalTools.map(([name, args, why, mend]) => optional(name, args, why, mend)),
    images(),
  ]
  const seen = [
    node(process.versions.node),
    packages(config.root),
    writable(config.home),
    space(config.home),
    proc(),
    pool(config.home),
  ]
  return [...seen, ...(await Promise.all(asked))]
}

const optionalTools: [name: string, command: string[], why: string, mend: string][] = [
  ['npm', ['npm', '--version'], 'Node projects', 'install Node with npm'],
  ['cargo', ['cargo', '--version'], 'Rust projects', 'install Rust: https://rustup.rs'],
  ['cargo-clippy', ['cargo-clippy', '--version'], 'linting Rust', 'rustup component add clippy'],
  ['cargo-nextest', ['cargo-nextest', '--version'], 'faster Rust tests', 'cargo install --locked cargo-nextest'],
  ['cargo-audit', ['cargo-audit', '--version'], 'auditing Rust dependencies', 'cargo install --locked cargo-audit'],
]

export function node(version: string): Finding {
  const mend = `${setup}, then run by just, or with node_modules/.bin first on PATH`
  return atLeast(version, [24, 0]) ? good('node', version) : bad('node', `${version}, but 24 or newer is needed`, mend)
}

export function packages(root: string): Finding {
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  const installed = read('node_modules/.raibid-lock')
  if (installed === undefined) return bad('npm packages', 'not installed by just setup', setup)
  return installed === read('package-lock.json')
    ? good('npm packages', 'as in package-lock.json')
    : bad('npm packages', 'not those of package-lock.json', setup)
}

async function tool(name: string, args: string[], wanted: readonly [number, number], mend: string): Promise<Finding> {
  try {
    const version = firstLine((await run(name, args, { timeout: 5000 })).stdout)
    if (atLeast(version, wanted)) return good(name, version)
    return bad(name, `${version}, but ${wanted.join('.')} or newer is needed`, `install ${name} ${wanted.join('.')} or newer`)
  } catch (error) {
    return bad(name, isMissing(error) ? 'not installed' : messageOf(error), mend)
  }
}

async function optional(name: string, [command, ...args]: string[], why: string, mend: string): Promise<Finding> {
  try {
    return good(name, firstLine((await run(command!, args, { timeout: 5000 })).stdout))
  } catch (error) {
    return bad(name, `${isMissing(error) ? 'not installed' : 'does not start'} (for ${why})`, mend, 'warn')
  }
}

/** Either of the two builds images. */
async function images(): Promise<Finding> {
  const tries = await Promise.all(
    ['docker', 'buildah'].map((name) => optional(name, [name, '--version'], 'images', `install ${name}`)),
  )
  return (
    tries.find(({ state }) => state === 'ok') ??
    bad('docker', 'neither docker nor buildah is installed (for images)', 'install docker or buildah', 'warn')
  )
}

function writable(home: string): Finding {
  try {
    mkdirSync(home, { recursive: true })
    accessSync(home, constants.W_OK)
    return good(env.home, `${home} can be written`)
  } catch (error) {
    return bad(env.home, messageOf(error), `make ${home} writable, or set ${env.home} to another folder`)
  }
}

const proc = (): Finding =>
  existsSync('/proc/self/stat')
    ? good('/proc', 'there')
    : bad('/proc', 'not there: a step that leaves its process group can’t be found', 'mount /proc, or build on Linux', 'warn')

function space(home: string): Finding {
  if (!existsSync(home)) return bad('disk', `${home} does not exist`, `make ${home}`)
  const { bavail, bsize } = statfsSync(home)
  const gib = (bavail * bsize) / 2 ** 30
  const found = `${gib.toFixed(1)} GiB free in ${home}`
  if (gib >= 5) return good('disk', found)
  return bad('disk', found, `free some, or set ${env.home} to a folder on a larger disk`, gib < 0.5 ? 'fail' : 'warn')
}

const firstLine = (text: string) => text.trim().split('\n')[0] ?? ''
const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'
