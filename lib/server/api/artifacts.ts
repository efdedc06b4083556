/** The files that a job kept. */
import { basename } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { checkedBytes } from '#lib/artifacts/checked.ts'
import { keptBy } from '#lib/artifacts/kept.ts'
import { openStore } from '#lib/artifacts/store.ts'
import { Refused } from '../http/problem.ts'
import { route, type Api } from './define.ts'
import { jobNamed } from './jobs.ts'
import { artifactList, artifactName, jobName } from './schemas.ts'

async function kept(api: Api, name: string) {
  const store = await openStore(api.config)
  return { store, ...(await keptBy(await jobNamed(api, name), store)) }
}

/** RFC 6266: a name that a browser may save it under, whatever the build called it. */
const saveAs = (path: string): string => {
  const name = basename(path).toWellFormed()
  return `attachment; filename="${name.replace(/[^\w.+-]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, '_')}`
}

export const artifactRoutes = [
  route({
    ...{ method: 'get', path: '/jobs/{id}/artifacts', role: 'read', summary: 'The files that a job kept' },
    ...{ params: jobName, answer: artifactList },
    run: async ({ api, params }) => {
      const { place, artifacts, note = null } = await kept(api, params.id)
      return { job: place.job, attempt: place.attempt, note, artifacts }
    },
  }),
  route({
    ...{ method: 'get', path: '/jobs/{id}/artifacts/{index}', role: 'read', summary: 'One of them, counted from 0: its bytes' },
    ...{ params: artifactName, otherwise: { 'application/octet-stream': 'the file, always as a download' } },
    run: async ({ api, context, params }) => {
      const { store, place, artifacts } = await kept(api, params.id)
      const index = Number(params.index)
      const artifact = artifacts[index]
      if (!artifact) throw new Refused(404, `job ${place.job} kept no file number ${index}`)
      const from = await store.open(place, index)
      const body = checkedBytes(artifact)
      // an error ends the answer before its last byte; there is nobody else to tell
      pipeline(from, body, () => {})
      return context.body(Readable.toWeb(body) as ReadableStream, 200, {
        'content-type': 'application/octet-stream',
        'content-length': String(artifact.bytes),
        'content-disposition': saveAs(artifact.path),
        // what a build made is never shown as a page of ours
        'content-security-policy': "default-src 'none'; sandbox",
        'cache-control': 'private, no-store',
      })
    },
  }),
]
