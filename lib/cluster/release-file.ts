import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { files } from '#lib/contract.ts'
import { RaibidError, UnreachableError, UsageError } from '#lib/errors.ts'
import { writeWhole } from '#lib/pool/state.ts'
import { bytesOf, call } from '#lib/registry/http.ts'
import type { ClusterContext } from './component.ts'
import { knownReleases } from './pins.ts'

type Asking = Pick<ClusterContext, 'home' | 'signal'> & { settings: Pick<ClusterContext['settings'], 'airgap' | 'mirrors'> }

/**
 * The text of a release's file, checked against what is recorded of it: from the folder for machines without a network, under the given name, else as it was
 * kept here, else from its address. RaibidError for another checksum; UsageError where none is recorded and it would come from the network.
 */
export async function releaseFile(address: string, name: string, ctx: Asking): Promise<string> {
  const { airgap } = ctx.settings
  const pin = knownReleases(ctx.home).releases[address]
  if (!airgap && !pin)
    throw new UsageError(
      `no checksum of ${address} was recorded: run \`just bootstrap --only pins\`, or \`just pin\`, where the network allows it, or give --airgap`,
    )
  const kept = pin ? join(ctx.home, files.clusterReleases, pin.replace(':', '-')) : null
  if (kept && existsSync(kept)) {
    const text = readFileSync(kept)
    if (checksum(text) === pin) return text.toString('utf8')
  }
  const bytes = airgap ? fromFolder(airgap, name) : await fromNetwork(address, ctx)
  const found = checksum(bytes)
  if (pin && found !== pin)
    throw new RaibidError(
      `${airgap ? join(airgap, name) : address} is not what was recorded: ${found}, and not ${pin}; nothing of it was used`,
    )
  if (kept) {
    writeWhole(kept, bytes.toString('utf8'))
    giveBack([dirname(dirname(kept)), dirname(kept), kept])
  }
  return bytes.toString('utf8')
}

const checksum = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** One of the folder's files; UsageError when it isn't there. */
export function fromFolder(folder: string, name: string): Buffer {
  const path = join(folder, name)
  if (!existsSync(path)) throw new UsageError(`--airgap: there is no ${path}`)
  return readFileSync(path)
}

async function fromNetwork(address: string, { settings: { mirrors }, signal }: Asking): Promise<Buffer> {
  const { origin, host } = new URL(address)
  try {
    const answer = await call(address.replace(origin, mirrors[host] ?? origin), {}, signal)
    if (!answer.ok) throw new RaibidError(`${host} answers ${answer.status}`)
    return await bytesOf(answer)
  } catch (error) {
    if (signal.aborted) throw error
    throw new UnreachableError(
      `cannot download ${address}: ${(error as Error).message}; name a mirror with --mirror, or a folder with --airgap`,
    )
  }
}
