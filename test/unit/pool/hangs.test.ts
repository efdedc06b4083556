import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Agents } from '#lib/pool/agents.ts'
import { watchHangs } from '#lib/pool/hangs.ts'
import type { AgentView, Reader } from '#lib/queue/reader.ts'

const lease = 150

/** Which agents get a signal while the queue shows what `views` gives. */
async function watched(views: () => AgentView[], ms: number): Promise<string[]> {
  const killed: string[] = []
  const stop = new AbortController()
  const agents = { names: () => ['a'], signal: (name: string) => void killed.push(name) } as unknown as Agents
  const reader = { agents: () => Promise.resolve(views()) } as unknown as Reader
  const redis = { status: 'ready' } as Parameters<typeof watchHangs>[0]['redis']
  const watching = watchHangs({ reader, redis, agents, lease, signal: stop.signal, say: () => {} })
  await sleep(ms)
  stop.abort()
  await watching
  return [...new Set(killed)]
}
const view = (job: string | null, beatAt: number): AgentView => ({ agent: 'a', pool: 'default', job, beatAt })

test('an agent that holds a job and is silent is killed before its lease ends', async () => {
  expect(await watched(() => [view('j', 1)], lease)).toEqual(['a'])
})

test('one that beats is left alone, at work or idle', async () => {
  expect(await watched(() => [view('j', Date.now())], 5 * lease)).toEqual([])
  expect(await watched(() => [view(null, Date.now())], 5 * lease)).toEqual([])
})

test('one that hangs without a job keeps a place from the jobs that wait: killed after two leases, not before', async () => {
  expect(await watched(() => [view(null, 1)], lease)).toEqual([])
  expect(await watched(() => [view(null, 1)], 5 * lease)).toEqual(['a'])
})

test('so is one that the queue has never heard of, or not since its job was taken from it', async () => {
  expect(await watched(() => [], lease)).toEqual([])
  expect(await watched(() => [], 5 * lease)).toEqual(['a'])
})
