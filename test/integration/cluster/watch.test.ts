import { afterEach, expect, test } from 'vitest'
import { openKube, type Kube } from '#lib/cluster/kube.ts'
import { watch } from '#lib/cluster/watch.ts'
import { fakeApi, status, stream, type Answer, type Heard } from '#test/helpers/fake-api.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

const pod = (name: string, version: string) => ({ metadata: { name, resourceVersion: version } })
const listed = (version: string, ...names: string[]): Answer => ({
  body: { metadata: { resourceVersion: version }, items: names.map((name) => pod(name, version)) },
})
const event = (type: string, name: string, version: string) => ({ type, object: pod(name, version) })

let api: Awaited<ReturnType<typeof fakeApi>>
let kube: Kube
let stop: AbortController
let watching: Promise<void>
let seen: string[]
async function watched(answers: (heard: Heard, watches: number, lists: number) => Answer): Promise<void> {
  let [watches, lists] = [0, 0]
  api = await fakeApi((heard) => (heard.query.get('watch') ? answers(heard, ++watches, lists) : answers(heard, watches, ++lists)))
  kube = await openKube({ kubeconfig: api.kubeconfig })
  stop = new AbortController()
  seen = []
  watching = watch(
    kube,
    { apiVersion: 'v1', kind: 'Pod', namespace: 'ci' },
    {
      full: (pods) => seen.push(`full ${pods.map(({ metadata }) => metadata.name).join(',')}`),
      change: (type, { metadata }) => seen.push(`${type} ${metadata.name}`),
      trouble: (error) => seen.push(error ? 'trouble' : 'works'),
    },
    stop.signal,
  )
}
const saw = (...all: string[]) => waitFor(all.join(' → '), () => seen.length >= all.length).then(() => expect(seen).toEqual(all))
const versions = () => api.heard.filter(({ query }) => query.get('watch')).map(({ query }) => query.get('resourceVersion'))
afterEach(async () => {
  stop.abort()
  await watching
  kube.close()
  await api.stop()
})

test('lists, then goes on from there; a turn that ends is taken up where it ended, bookmarks counted', async () => {
  await watched((heard, watches) => {
    if (!heard.query.get('watch')) return listed('5', 'a')
    if (watches === 1) return stream([event('ADDED', 'b', '6'), event('BOOKMARK', '', '90')], { end: true })
    return stream([event('DELETED', 'a', '91')])
  })
  await saw('full a', 'ADDED b', 'DELETED a')
  expect(versions()).toEqual(['5', '90'])
  expect(api.heard[1]!.query.get('allowWatchBookmarks')).toBe('true')
})

test.each([
  ['as a status', () => status(410, 'Expired', 'too old')],
  ['in the stream', () => stream([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }])],
])('410 %s: everything is listed again, so that what was deleted meanwhile is seen to be gone', async (_, gone) => {
  await watched((heard, watches, lists) => {
    if (!heard.query.get('watch')) return lists === 1 ? listed('5', 'a', 'b') : listed('70', 'b')
    return watches === 1 ? gone() : stream([])
  })
  await saw('full a,b', 'full b')
  await waitFor('the next watch', () => versions().length === 2)
  expect(versions()).toEqual(['5', '70'])
})

test('a connection that breaks: trouble once, then on from the last version, without a new list', async () => {
  await watched((heard, watches) => {
    if (!heard.query.get('watch')) return listed('5')
    if (watches === 1) return stream([event('ADDED', 'a', '6')], { breaks: true })
    if (watches < 4) return status(500, 'InternalError', 'no')
    return stream([event('ADDED', 'b', '7')])
  })
  await saw('full ', 'ADDED a', 'trouble', 'works', 'ADDED b')
  expect(versions()).toEqual(['5', '6', '6', '6'])
})

test('a server that is gone and comes back', async () => {
  await watched((heard, watches) => {
    if (!heard.query.get('watch')) return listed('5', 'a')
    return watches === 1 ? stream([]) : stream([event('DELETED', 'a', '8')])
  })
  await waitFor('the watch', () => versions().length === 1)
  await api.stop()
  await waitFor('trouble', () => seen.includes('trouble'))
  await api.start()
  await saw('full a', 'trouble', 'works', 'DELETED a')
})

test('a watch that may not: trouble once, and it keeps trying at a distance', async () => {
  await watched(() => status(403, 'Forbidden', 'User "u" cannot list resource "pods"'))
  await waitFor('three tries', () => api.heard.length >= 3)
  expect(seen).toEqual(['trouble'])
})
