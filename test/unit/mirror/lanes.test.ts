import { expect, test } from 'vitest'
import { lanes, type LaneLimits } from '#lib/mirror/lanes.ts'

const MiB = 2 ** 20
const limits: LaneLimits = { all: 4, perHost: 3, bytes: 800 * MiB }

/** Lets clones in that ask in this order, and tells who runs. */
function road(more: Partial<LaneLimits> = {}, signal = new AbortController().signal) {
  const road = lanes({ ...limits, ...more }, signal)
  const inside = new Map<string, () => void>()
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    ask: (name: string, bytes: number, host = 'a') =>
      void road.enter(host, bytes).then(
        (leave) => inside.set(name, leave),
        () => {},
      ),
    running: async () => (await settled(), [...inside.keys()].join(' ')),
    leave: async (name: string) => (inside.get(name)!(), inside.delete(name), await settled()),
    inFlight: road.inFlight,
  }
}

test('small ones pass a big one that waits for another', async () => {
  const { ask, running, leave, inFlight } = road()
  ask('huge', 5000 * MiB)
  ask('huger', 6000 * MiB)
  for (const name of ['s1', 's2', 's3']) ask(name, MiB)
  expect(await running()).toBe('huge s1 s2')
  expect(inFlight()).toBe(5002 * MiB)
  await leave('s1')
  expect(await running()).toBe('huge s2 s3')
  await leave('huge')
  expect(await running()).toBe('s2 s3 huger')
})

test('big ones never take all places', async () => {
  const { ask, running } = road({ all: 4, perHost: 4 })
  for (const name of ['b1', 'b2', 'b3', 'b4']) ask(name, 150 * MiB)
  for (const name of ['s1', 's2', 's3']) ask(name, MiB)
  expect(await running()).toBe('b1 b2 s1 s2')
})

test('bytes of the big ones are bounded, but for a single one', async () => {
  const { ask, running, leave } = road()
  ask('b1', 500 * MiB)
  ask('b2', 500 * MiB, 'b')
  ask('b3', 200 * MiB, 'c')
  expect(await running()).toBe('b1 b3')
  await leave('b1')
  expect(await running()).toBe('b3 b2')
})

test('one host doesn’t take the places of the others', async () => {
  const { ask, running } = road()
  for (const name of ['a1', 'a2', 'a3', 'a4']) ask(name, 0)
  ask('b1', 0, 'b')
  ask('b2', 0, 'b')
  expect(await running()).toBe('a1 a2 a3 b1')
})

test('one at a time: a big one and small ones in turn', async () => {
  const { ask, running, leave } = road({ all: 1, perHost: 1 })
  ask('big', 500 * MiB)
  ask('small', 1)
  expect(await running()).toBe('big')
  await leave('big')
  expect(await running()).toBe('small')
})

test('who waits is sent away when it is over', async () => {
  const stop = new AbortController()
  const road = lanes({ ...limits, all: 1 }, stop.signal)
  await road.enter('a', 0)
  const waits = road.enter('a', 0)
  stop.abort(new Error('enough'))
  await expect(waits).rejects.toThrow('enough')
  await expect(road.enter('a', 0)).rejects.toThrow('enough')
})
