import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { RaibidError } from '#lib/errors.ts'
import type { Artifact } from '#lib/queue/types.ts'

const shown = (path: string): string => JSON.stringify(path.slice(0, 200))

/** Lets an artifact's bytes through; the last of them only when all are what was kept, so that what is damaged never arrives whole. RaibidError otherwise. */
export function checkedBytes({ path, bytes, sha256 }: Artifact): Transform {
  const hash = createHash('sha256')
  let size = 0
  let last: Buffer | null = null
  return new Transform({
    transform(piece: Buffer, _, done) {
      hash.update(piece)
      size += piece.length
      if (size > bytes) return done(new RaibidError(`${shown(path)} has more than its ${bytes} bytes in the store`))
      const before = last
      last = piece
      done(null, before ?? undefined)
    },
    flush(done) {
      if (size === bytes && hash.digest('hex') === sha256) return done(null, last ?? undefined)
      done(new RaibidError(`${shown(path)} is damaged in the store: its bytes are not those that were kept`))
    },
  })
}
