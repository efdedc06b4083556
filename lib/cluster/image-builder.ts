import { spawn } from 'node:child_process'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from './component.ts'
import { agentImage } from './pod-settings.ts'

export const builders = ['docker', 'buildah', 'nerdctl'] as const
export type Builder = (typeof builders)[number]

export interface ImagePlan {
  stage: 'default' | 'rust'
  tag: string
  /** Of other processors than this machine's, for instance linux/arm64. */
  platforms: readonly string[]
  /** What agent/Dockerfile starts from, where it isn't its own. */
  base?: string | undefined
  push: boolean
  /** A PEM file to trust while building. */
  ca?: string | undefined
}

/** How each of them is asked whether it could build now: a client whose daemon doesn't run couldn't. */
const probes: Record<Builder, string[]> = { docker: ['info'], buildah: ['--version'], nerdctl: ['info'] }

/** The first that works. RaibidError names what is wrong with each. */
export async function findBuilder(candidates: readonly Builder[] = builders): Promise<Builder> {
  const found: string[] = []
  for (const name of candidates) {
    const problem = await promisify(execFile)(name, probes[name], { timeout: 10_000 }).then(
      () => null,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? 'not installed' : 'installed, but its daemon does not answer'),
    )
    if (!problem) return name
    found.push(`${name} is ${problem}`)
  }
  throw new RaibidError(`Nothing here can build images: ${found.join('; ')}. Install buildah: it needs no daemon.`)
}

/** The commands that build it, and push it. Pure: `--dry-run` prints them. */
export function imageCommands(builder: Builder, plan: ImagePlan): string[][] {
  const { stage, tag, platforms, base, push, ca } = plan
  const isIndex = platforms.length > 1
  if (builder !== 'buildah' && isIndex && !push)
    throw new RaibidError(`${builder} keeps no image of several platforms itself: add --push, or build one --platform at a time.`)
  const common = [
    ...['--file', 'agent/Dockerfile', '--target', stage],
    ...(platforms.length ? ['--platform', platforms.join(',')] : []),
    ...(base ? ['--build-arg', `BASE=${base}`] : []),
    ...(ca ? ['--secret', `id=ca,src=${ca}`] : []),
  ]
  if (builder === 'buildah') {
    // chroot: no runtime needed, so that it works in a container, too. docker: OCI's own format has no place for a health check.
    const how = ['--layers', '--isolation', 'chroot', '--format', 'docker']
    const build = ['buildah', 'build', ...how, ...common, isIndex ? '--manifest' : '--tag', tag, '.']
    const send = isIndex ? ['buildah', 'manifest', 'push', '--all', tag, `docker://${tag}`] : ['buildah', 'push', tag]
    return push ? [build, send] : [build]
  }
  if (isIndex && builder === 'docker') return [['docker', 'buildx', 'build', ...common, '--tag', tag, '--push', '.']]
  const build = [builder, 'build', ...common, '--tag', tag, '.']
  const send = [builder, 'push', ...(isIndex ? ['--all-platforms'] : []), tag]
  return push ? [build, send] : [build]
}

/** Builds one of our own images, by its name. RaibidError for a name that is none of them, with the last lines of a build that fails. */
export async function buildImage(
  builder: Builder,
  tag: string,
  { host, signal }: Pick<ClusterContext, 'host' | 'signal'>,
): Promise<void> {
  const stage = (['default', 'rust'] as const).find((one) => agentImage(one) === tag)
  if (!stage) throw new RaibidError(`${tag} is not one that \`just image\` builds: bring it to the node, then the same again`)
  const ca = process.env['NODE_EXTRA_CA_CERTS']
  const base = process.env[env.imageBase]
  for (const command of imageCommands(builder, { stage, tag, platforms: [], push: false, base, ca })) {
    const { code, stdout, stderr } = await host.run(command, { signal, withinMs: 3_600_000, cwd: root })
    const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-3).join(' | ')
    if (code !== 0) throw new RaibidError(`${command[0]} build of ${tag} ended with exit code ${code}: ${last}`)
  }
}

/** The command that writes an image into an archive, which `ctr images import` takes. */
export const saveCommand = (builder: Builder, tag: string, file: string): string[] =>
  builder === 'buildah' ? ['buildah', 'push', tag, `docker-archive:${file}:${tag}`] : [builder, 'save', '-o', file, tag]

/** Runs a command in the folder of the justfile, with all it says on stderr. RaibidError when it fails. */
export async function runCommand([command, ...args]: string[], signal: AbortSignal): Promise<void> {
  const child = spawn(command!, args, { cwd: root, stdio: ['ignore', process.stderr, process.stderr], signal })
  const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  if (code !== 0) throw new RaibidError(`${command} ${args[0]} ended with ${code ?? 'a signal'}: its last lines say why.`)
}

/** Bytes of an image, as the builder tells it; null where it doesn't. */
export async function imageSize(builder: Builder, tag: string): Promise<number | null> {
  const args = builder === 'buildah' ? ['images', '--json', tag] : ['image', 'inspect', '--format', '{{.Size}}', tag]
  const { stdout } = await promisify(execFile)(builder, args).catch(() => ({ stdout: '' }))
  if (builder !== 'buildah') return Number(stdout) || null
  const [, number, unit] = /"size": "([\d.]+) (\w+)"/.exec(stdout) ?? []
  const units: Record<string, number> = { KB: 1e3, MB: 1e6, GB: 1e9 }
  return number ? Math.round(Number(number) * (units[unit!.toUpperCase()] ?? 1)) : null
}
