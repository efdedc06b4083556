import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { fetchArtifact, fetchProblems } from '#lib/artifacts/fetch.ts'
import { findFiles } from '#lib/artifacts/find.ts'
import { localStore } from '#lib/artifacts/local-store.ts'
import { isStale, sweepArtifacts } from '#lib/artifacts/sweep.ts'
import { takeFiles } from '#lib/artifacts/take.ts'
import type { Artifact, Job } from '#lib/queue/types.ts'
import { ulid } from '#lib/ulid.ts'
import { tmpFolder, type Files } from '#test/helpers/tmp-repo.ts'

const folder = (files: Files = {}): string => {
  const { path, remove } = tmpFolder(files)
  onTestFinished(remove)
  return path
}
const quiet = { signal: new AbortController().signal, leftOut: () => {} }
const hello = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'

test('what is kept is found again, by number and not by name; a second put takes the place of the first', async () => {
  const workspace = folder({ 'out/app': { text: 'hello\n', mode: 0o755 }, 'b.txt': '' })
  const root = join(folder(), 'artifacts')
  const store = localStore(root)
  const place = { job: ulid(), attempt: 2 }
  const kept = await store.put(place, workspace, ['out/app', 'b.txt'], quiet)
  expect(kept[0]).toEqual({ path: 'out/app', bytes: 6, sha256: hello, executable: true })
  expect(await store.list(place)).toEqual(kept)
  expect(readdirSync(join(root, place.job, '2')).sort()).toEqual(['0', '1', 'manifest.json'])
  expect(await text(await store.open(place, 0))).toBe('hello\n')
  expect(await store.put(place, workspace, ['b.txt'], quiet)).toHaveLength(1)
  expect(await store.list(place)).toHaveLength(1)
  expect(readdirSync(join(root, 'incoming'))).toEqual([])
  await store.remove(place)
  expect([await store.list(place), readdirSync(root)]).toEqual([null, ['incoming']])
})

test('symbolic links, and files behind one, are not kept', async () => {
  const outside = folder({ secret: 'key' })
  const workspace = folder({ 'real/a': 'a', link: { link: join(outside, 'secret') }, 'real/up': { link: '../real' } })
  symlinkSync(outside, join(workspace, 'dir'))
  const found = await findFiles(workspace, ['**', 'dir/secret'], 10)
  expect(found.paths).toEqual(['real/a'])
  expect(found.refused).toEqual(['dir is not a regular file', 'link is not a regular file', 'real/up is not a regular file'])
  const why: string[] = []
  const options = { ...quiet, leftOut: (text: string) => void why.push(text) }
  const kept = await localStore(folder()).put(
    { job: ulid(), attempt: 1 },
    workspace,
    ['link', 'dir/secret', 'real/a', 'gone'],
    options,
  )
  expect(kept.map(({ path }) => path)).toEqual(['real/a'])
  expect(why).toEqual([
    'link: is a symbolic link',
    'dir/secret: is reached through a symbolic link',
    "gone: can't be read (ENOENT)",
  ])
})

test('bounds: files, bytes, and patterns that mean nothing', async () => {
  const workspace = folder({ a: '12345', b: '12345', c: '1', '.git/config': '' })
  expect(await findFiles(workspace, ['*', 'x*'], 2)).toMatchObject({ paths: ['a', 'b'], cut: true })
  expect(await findFiles(workspace, ['**', 'x*'], 3)).toMatchObject({ paths: ['a', 'b', 'c'], cut: false, unmatched: ['x*'] })
  const why: string[] = []
  const all = { ...quiet, leftOut: (text: string) => void why.push(text) }
  const kept = await takeFiles(workspace, ['a', 'b', 'c'], all, async (file) => void (await text(file)), 6)
  expect(kept.map(({ path }) => path)).toEqual(['a', 'c'])
  expect(why).toEqual(['b: 5 bytes more would be over the 6 of a job'])
})

test('what is fetched never replaces or leaves anything, and damage is seen', async () => {
  const workspace = folder({ 'out/app': 'hello\n' })
  const store = localStore(folder())
  const place = { job: ulid(), attempt: 1 }
  const [artifact] = (await store.put(place, workspace, ['out/app'], quiet)) as [Artifact]
  const into = folder()
  await fetchArtifact(store, place, { artifact, index: 0, folder: into }, quiet.signal)
  expect(readFileSync(join(into, 'out/app'), 'utf8')).toBe('hello\n')
  const elsewhere = folder()
  symlinkSync(elsewhere, join(into, 'link'))
  writeFileSync(join(into, 'file'), '')
  mkdirSync(join(into, 'folder'))
  const named = (...paths: string[]) =>
    fetchProblems(
      into,
      paths.map((path) => ({ ...artifact, path })),
    )
  expect(await named('out/app', '../x', '/x', 'link/x', 'file/x', 'folder', 'a\u001b[2J')).toEqual([
    '"out/app" exists there already',
    '"../x" leads out of the workspace',
    '"/x" does not lie in the workspace',
    '"link/x" would be written through the symbolic link link',
    '"file/x" would be written below file, which is no folder',
    '"folder" exists there already',
    '"a\\u001b[2J" contains a control character',
  ])
  expect(await named('x', 'x/y', 'z', 'z')).toEqual(['"x/y" lies in what is a file itself', 'two of them have the same path'])
  const wrong = { ...artifact, path: 'wrong', sha256: '0'.repeat(64) }
  const other = { artifact: wrong, index: 0, folder: into }
  await expect(fetchArtifact(store, place, other, quiet.signal)).rejects.toThrow(/is damaged in the store/)
  expect(readdirSync(into).sort()).toEqual(['file', 'folder', 'link', 'out'])
  expect(readdirSync(elsewhere)).toEqual([])
})

test('the sweep removes what no job has, and older attempts; never what another says', async () => {
  const workspace = folder({ a: 'a' })
  const root = folder()
  const store = localStore(root)
  const [gone, retried, there] = [ulid(), ulid(), ulid()]
  const places = [gone, retried, there].map((job) => ({ job, attempt: 1 }))
  for (const place of [...places, { job: retried, attempt: 2 }]) await store.put(place, workspace, ['a'], quiet)
  mkdirSync(join(root, 'incoming', `${gone}-1`))
  mkdirSync(join(root, 'of somebody else'))
  const known = [
    { id: retried, attempt: 2 },
    { id: there, attempt: 1 },
  ] as Job[]
  const jobsOf = (ids: readonly string[]) => Promise.resolve(known.filter(({ id }) => ids.includes(id)))
  expect(await sweepArtifacts(store, { jobsOf, since: () => Promise.resolve(0) })).toEqual({ removed: 3, older: 0 })
  expect(readdirSync(root).sort()).toEqual([retried, there, 'incoming', 'of somebody else'].sort())
  expect(readdirSync(join(root, 'incoming'))).toEqual([])
  expect(await store.list({ job: retried, attempt: 2 })).toHaveLength(1)
  expect([isStale({ job: 'x', attempt: 3 }, { attempt: 3 }), isStale({ job: 'x', attempt: 2 }, { attempt: 3 })]).toEqual([
    false,
    true,
  ])
})

test('the sweep leaves what is older than the queue: its data was lost, and nothing was forgotten', async () => {
  const workspace = folder({ a: 'a' })
  const root = folder()
  const store = localStore(root)
  const lost = 1_800_000_000_000
  const [before, after, known] = [ulid(lost - 1), ulid(lost), ulid(lost - 2)]
  for (const job of [before, after, known]) await store.put({ job, attempt: 1 }, workspace, ['a'], quiet)
  const jobsOf = () => Promise.resolve([{ id: known, attempt: 2 }] as Job[])
  const swept = () => sweepArtifacts(store, { jobsOf, since: () => Promise.resolve(lost) })
  expect(await swept()).toEqual({ removed: 2, older: 1 })
  expect(readdirSync(root).sort()).toEqual([before, 'incoming'].sort())
  expect(await swept()).toEqual({ removed: 0, older: 1 })
})
