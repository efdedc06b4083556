import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import { call } from '#lib/registry/http.ts'
import type { Settings } from './component.ts'
import { readPins } from './pins.ts'

/**
 * The text of a release's file, checked against what `just pin` recorded: from the folder for machines without a network, under the given name, else from its
 * address. RaibidError for another checksum; UsageError where none was recorded and it would come from the network.
 */
export async function releaseFile(
  address: string,
  name: string,
  { airgap, mirrors }: Pick<Settings, 'airgap' | 'mirrors'>,
  signal?: AbortSignal,
  pins = readPins(),
): Promise<string> {
  const pin = pins.releases[address]
  const bytes = airgap ? fromFolder(airgap, name) : await fromNetwork(address, pin, mirrors, signal)
  const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (pin && found !== pin)
    throw new RaibidError(
      `${airgap ? join(airgap, name) : address} is not what was recorded: ${found}, and not ${pin}; nothing of it was used`,
    )
  return bytes.toString('utf8')
}

function fromFolder(folder: string, name: string): Buffer {
  const path = join(folder, name)
  if (!existsSync(path)) throw new UsageError(`--airgap: there is no ${path}`)
  return readFileSync(path)
}

async function fromNetwork(
  address: string,
  pin: string | undefined,
  mirrors: Settings['mirrors'],
  signal?: AbortSignal,
): Promise<Buffer> {
  if (!pin)
    throw new UsageError(`no checksum of ${address} was recorded: run \`just pin\` where the network allows it, or give --airgap`)
  const { origin, host } = new URL(address)
  try {
    const answer = await call(address.replace(origin, mirrors[host] ?? origin), {}, signal)
    if (!answer.ok) throw new RaibidError(`${host} answers ${answer.status}`)
    return Buffer.from(await answer.arrayBuffer())
  } catch (error) {
    if (signal?.aborted) throw error
    throw new UnreachableError(
      `cannot download ${address}: ${(error as Error).message}; name a mirror with --mirror, or a folder with --airgap`,
    )
  }
}
