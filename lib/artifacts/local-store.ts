/** Artifacts in a folder: `<job>/<attempt>/manifest.json` and files named by their number. No name from outside is ever a file's name. */
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RaibidError } from '#lib/errors.ts'
import { isUlid } from '#lib/ulid.ts'
import { manifestFile, manifestText, readManifest } from './manifest.ts'
import type { OpenStore, Place } from './store.ts'
import { takeFiles } from './take.ts'

/** In it an attempt's files are made; then they are renamed into place, all at once. */
const incoming = 'incoming'

/** The store below a folder, which is made when there is something to keep. */
export function localStore(root: string): OpenStore {
  const folderOf = ({ job, attempt }: Place): string => join(jobFolder(job), String(whole(attempt)))
  const jobFolder = (job: string): string => {
    if (!isUlid(job)) throw new RaibidError(`${JSON.stringify(job.slice(0, 40))} is not the id of a job`)
    return join(root, job)
  }
  const halfOf = ({ job, attempt }: Place): string => join(root, incoming, `${job}-${whole(attempt)}`)
  return {
    where: root,
    async put(place, workspace, paths, { signal, leftOut }) {
      const target = folderOf(place)
      const fresh = halfOf(place)
      await rm(fresh, { recursive: true, force: true })
      await mkdir(fresh, { recursive: true, mode: 0o700 })
      try {
        const kept = await takeFiles(workspace, paths, { signal, leftOut }, (file, index) =>
          writeFile(join(fresh, String(index)), file, { mode: 0o600, signal }),
        )
        if (kept.length === 0) return []
        await writeFile(join(fresh, manifestFile), manifestText(kept), { mode: 0o600 })
        signal.throwIfAborted()
        await mkdir(join(root, place.job), { recursive: true, mode: 0o700 })
        await rm(target, { recursive: true, force: true })
        await rename(fresh, target)
        return kept
      } finally {
        await rm(fresh, { recursive: true, force: true })
      }
    },
    async list(place) {
      const text = await readFile(join(folderOf(place), manifestFile), 'utf8').catch(() => null)
      return text === null ? null : readManifest(text)
    },
    open: (place, index) => Promise.resolve(createReadStream(join(folderOf(place), String(whole(index))))),
    async remove(place) {
      for (const folder of [folderOf(place), halfOf(place)]) await rm(folder, { recursive: true, force: true })
      // with its last attempt the job's folder goes; with anything in it, it stays
      await rmdir(jobFolder(place.job)).catch(() => {})
    },
    async *places() {
      for (const name of await namesIn(join(root, incoming))) {
        const [job = '', attempt] = name.split('-')
        if (isUlid(job) && isNumber(attempt)) yield { job, attempt: Number(attempt) }
      }
      for (const job of (await namesIn(root)).filter(isUlid))
        for (const attempt of (await namesIn(join(root, job))).filter(isNumber)) yield { job, attempt: Number(attempt) }
    },
  }
}

const isNumber = (text: string | undefined): boolean => /^\d{1,9}$/.test(text ?? '')
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

function whole(number: number): number {
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new RaibidError(`${number} is not a number of an attempt or file`)
}
