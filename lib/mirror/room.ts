/** Whether there is room on Gitea's disk for one more clone. */
import { statfs } from 'node:fs/promises'
import { formatBytes } from '#lib/bytes.ts'
import { RaibidError, messageOf } from '#lib/errors.ts'

export interface RoomLimits {
  /** A folder on Gitea's disk, where that is one of this machine; null: it is not. */
  disk: string | null
  /** What stays free there, bytes; null: a tenth of it, at most 10 GB. */
  minFree: number | null
  /** Where the disk is not known: what one run clones at most, bytes. */
  maxBytes: number
}

/** Throws RaibidError when there is no room for a clone of so many bytes beside those in flight. To be asked before each. */
export function roomOn({ disk, minFree, maxBytes }: RoomLimits): (bytes: number, inFlight: number) => Promise<void> {
  let taken = 0
  return async (bytes, inFlight) => {
    if (disk === null) {
      if (taken > 0 && taken + bytes > maxBytes)
        throw new RaibidError(
          `this run has had its ${formatBytes(maxBytes)} (mirrors.maxBytes in raibid.yaml); the next one takes it`,
        )
      taken += bytes
      return
    }
    const { bavail, blocks, bsize } = await statfs(disk).catch((error: unknown) => {
      throw new RaibidError(`mirrors.disk in raibid.yaml: ${messageOf(error)}; give a folder on Gitea's disk`)
    })
    const free = bavail * bsize - inFlight
    const floor = minFree ?? Math.min((blocks * bsize) / 10, 10e9)
    if (free - bytes >= floor) return
    throw new RaibidError(
      `the disk of ${disk} has ${formatBytes(Math.max(0, free))} free, ${formatBytes(floor)} of it stay so, and this takes ${formatBytes(bytes)}`,
    )
  }
}
