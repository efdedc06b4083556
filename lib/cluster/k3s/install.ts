import { chmodSync, copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import type { Pins } from '../pins.ts'
import { k3sRelease, k3sVersion, type Architecture } from '../releases.ts'
import { download, listed } from './download.ts'
import { at } from './files.ts'

/** Puts the pinned k3s there and has its own script, pinned too, make a service of it; it runs afterwards. */
export async function install(ctx: ClusterContext, pins: Pins): Promise<void> {
  const { host, settings, signal, say } = ctx
  const architecture = await architectureOf(ctx)
  const folder = host.path(join(at.downloads, k3sVersion))
  const get = async (url: string, name: string, checksum: string): Promise<string> => {
    say(`gets ${name}`)
    const from = settings.airgap && join(settings.airgap, name)
    const to = join(folder, name)
    await download({ url, to, checksum, mirrors: settings.mirrors, signal, from })
    return to
  }
  const pinned = (url: string, name: string): Promise<string> => get(url, name, pinOf(pins, url))
  const script = await pinned(k3sRelease.script, 'install.sh')
  const list = await pinned(k3sRelease.checksums(architecture), `sha256sum-${architecture}.txt`)
  const released = (name: string): Promise<string> => get(k3sRelease.file(name), name, listed(list, name))
  put(await released(k3sRelease.binary(architecture)), host.path(at.binary), 0o755)
  if (settings.airgap) {
    const images = k3sRelease.images(architecture)
    put(await released(images), host.path(join(at.images, images)), 0o600)
  }
  say('has k3s’s own script make the service')
  await runScript(ctx, script)
}

async function runScript({ host, signal }: ClusterContext, script: string): Promise<void> {
  const env = {
    // what the shell has of these would become the service's (an empty one, too): K3S_URL alone makes an agent of it
    ...Object.fromEntries(Object.keys(process.env).flatMap((name) => (/^(INSTALL_)?K3S_/.test(name) ? [[name, undefined]] : []))),
    // the binary is there, and checked
    INSTALL_K3S_SKIP_DOWNLOAD: 'true',
    INSTALL_K3S_VERSION: k3sVersion,
    INSTALL_K3S_EXEC: 'server',
    INSTALL_K3S_BIN_DIR: host.path(dirname(at.binary)),
    INSTALL_K3S_SYSTEMD_DIR: host.path(dirname(at.unit)),
    // it compares what is there before and after itself, and we came before it
    INSTALL_K3S_FORCE_RESTART: 'true',
  }
  const { code, stdout, stderr } = await host.run(['sh', script], { env, signal, withinMs: 300_000 })
  if (code === 0) return
  const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-3).join(' | ')
  throw new RaibidError(`the install script of k3s ended with exit code ${code}: ${last || 'it said nothing'}`)
}

/** RaibidError where nobody recorded what it is: what can't be checked isn't run as root. */
export function pinOf({ releases }: Pins, url: string): string {
  const pin = releases[url]
  if (!pin)
    throw new RaibidError(
      `nobody recorded what ${url} is: run \`just bootstrap --only pins\`, or \`just pin\`, where the network allows it`,
    )
  return pin
}

/** As releases call it; RaibidError for another one. */
export async function architectureOf({ host }: Pick<ClusterContext, 'host'>): Promise<Architecture> {
  const name = (await host.run(['uname', '-m'])).stdout.trim()
  if (name === 'aarch64' || name === 'arm64') return 'arm64'
  if (name === 'x86_64' || name === 'amd64') return 'amd64'
  throw new RaibidError(`k3s is installed on arm64 and amd64, and this is ${name || 'unknown'}`)
}

/** Whole or not at all, on the disk where it is to be: a binary that runs can be replaced, not overwritten. */
export function put(from: string, to: string, mode: number): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 })
  const fresh = `${to}.${process.pid}`
  copyFileSync(from, fresh)
  chmodSync(fresh, mode)
  renameSync(fresh, to)
}
