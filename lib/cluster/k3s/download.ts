import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'
import { whyUnreachable } from '#lib/unreachable.ts'
import type { Mirrors } from '../registry.ts'

export interface Download {
  url: string
  /** Where it goes; it is there whole and checked, or not at all. */
  to: string
  /** `sha256:<hex>`. */
  checksum: string
  mirrors: Mirrors
  signal: AbortSignal
  /** Instead of the network. */
  from?: string | null
}

const limitMs = 15 * 60_000
const largest = 2 ** 30

/** Gets a file, unless it is there already with this checksum. RaibidError for another checksum: nothing of it is kept. */
export async function download({ url, to, checksum, mirrors, signal, from }: Download): Promise<void> {
  if (existsSync(to) && (await checksumAt(to)) === checksum) return
  const part = `${to}.${process.pid}.part`
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o755 })
    const hash = createHash('sha256')
    let size = 0
    const meter = new Transform({
      transform(piece: Buffer, _, done) {
        hash.update(piece)
        size += piece.length
        done(size > largest ? new RaibidError(`${url} is larger than any file of k3s`) : null, piece)
      },
    })
    const source = from ? openFile(from) : await openUrl(url, mirrors, signal)
    await pipeline(source, meter, createWriteStream(part, { mode: 0o600 }), { signal })
    const found = `sha256:${hash.digest('hex')}`
    if (found !== checksum)
      throw new RaibidError(
        `${from ?? url} is not what was pinned: it has ${found}, and manifests/pins.json leads to ${checksum}; nothing of it was used`,
      )
    renameSync(part, to)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof RaibidError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw new RaibidError(`the disk is full: ${to} can't be written; free some, and run the same again`)
    if (code && ['EACCES', 'EROFS', 'EPERM', 'ENOENT', 'ENOTDIR', 'EEXIST'].includes(code))
      throw new RaibidError(`${to} can't be written: ${messageOf(error)}`)
    throw new UnreachableError(
      `${url} can't be had whole: ${whyUnreachable(error)}; run the same again, or give --mirror or --airgap`,
    )
  } finally {
    if (existsSync(part)) rmSync(part, { force: true })
  }
}

function openFile(path: string): Readable {
  if (!existsSync(path)) throw new RaibidError(`${path} is missing: --airgap needs it`)
  return createReadStream(path)
}

async function openUrl(url: string, mirrors: Mirrors, signal: AbortSignal): Promise<Readable> {
  const { origin, host } = new URL(url)
  const address = url.replace(origin, mirrors[host] ?? origin)
  let answer: Response
  try {
    answer = await fetch(address, { signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]) })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw new UnreachableError(
      `${new URL(address).origin} can't be reached for ${url}: ${whyUnreachable(error)}; give --mirror ${host}=<url>, or --airgap <folder>`,
    )
  }
  if (!answer.ok || !answer.body) {
    await answer.body?.cancel()
    throw new RaibidError(`${address} answers ${answer.status}`)
  }
  return Readable.fromWeb(answer.body as ReadableStream)
}

/** `sha256:<hex>` of a file. */
export async function checksumAt(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return `sha256:${hash.digest('hex')}`
}

/** The checksum that a list of them (`<hex>  <name>`) has for a file. RaibidError when it names none. */
export function listed(list: string, name: string): string {
  const line = readFileSync(list, 'utf8')
    .split('\n')
    .map((one) => /^([0-9a-f]{64})\s+\*?(?:.*\/)?(\S+)$/.exec(one.trim()))
    .find((match) => match?.[2] === name)
  if (!line) throw new RaibidError(`${list} names no ${name}`)
  return `sha256:${line[1]}`
}
