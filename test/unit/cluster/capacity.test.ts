import { describe, expect, test } from 'vitest'
import { capacity, roomOf, type Room } from '#lib/cluster/capacity.ts'
import { reservations, reservedOf } from '#lib/cluster/k3s/reserve.ts'
import { fit } from '#lib/cluster/fit.ts'
import { partNames, partsOf } from '#lib/cluster/parts.ts'
import { presetNames, presets } from '#lib/cluster/presets.ts'
import { loadConfig } from '#lib/config.ts'

const gib = 2 ** 30
const spark = { cores: 20, memory: 120 * gib, nvidia: { driver: '580', runtime: null } }
const config = await loadConfig({ env: {} })
const fitting = (room: Room, preset: (typeof presetNames)[number]): number => capacity(config, room, preset)[0]!.agents

describe('how many agents there is room for', () => {
  test.each(presetNames)('%s: that many fit, and one more does not', (preset) => {
    const room = roomOf(spark, preset)
    const agents = fitting(room, preset)
    expect(agents).toBeGreaterThan(0)
    const with_ = (max: number) => {
      const parts = partsOf({ ...config, pools: { default: { max, warm: 0 } } }, { preset })
      return fit(
        partNames.flatMap((name) => parts[name]),
        room,
      ).problem
    }
    expect(with_(agents)).toBeNull()
    expect(with_(agents + 1)).toContain(`Set pools.default.max to ${agents}`)
  })

  test('a smaller machine holds fewer, and a too small one none', () => {
    const at = (cores: number, memory: number) =>
      fitting(roomOf({ cores, memory: memory * gib, nvidia: null }, 'minimal'), 'minimal')
    expect([at(20, 120), at(4, 8), at(1, 1)].toSorted((a, b) => b - a)).toEqual([at(20, 120), at(4, 8), at(1, 1)])
    expect([at(4, 8) > 0, at(1, 1)]).toEqual([true, 0])
  })

  test('agents that ask for less are more', async () => {
    const room = roomOf(spark, 'team')
    const small = { ...config, pods: { default: { cpu: '500m', memory: '1Gi' } } }
    expect(capacity(small, room, 'team')[0]!.agents).toBeGreaterThan(fitting(room, 'team') * 2)
  })

  test('a pool that wants a GPU is bounded by GPUs', async () => {
    const gpu = { ...config, pools: { ...config.pools, gpu: { max: 2, warm: 0 } }, pods: { default: {}, gpu: { gpu: 1 } } }
    expect(capacity(gpu, roomOf(spark, 'team'), 'team').map(({ pool, agents }) => `${pool} ${agents}`)).toContain('gpu 1')
  })
})

describe('what is reserved', () => {
  test.each([
    ['team', 20, 120, { cpu: 3000, memory: 20 * gib, gpu: 0 }],
    ['homelab', 20, 120, { cpu: 4000, memory: 26 * gib, gpu: 0 }],
    ['beast', 20, 120, { cpu: 2000, memory: 14 * gib, gpu: 0 }],
  ] as const)('%s of %i cores and %i GiB', (preset, cores, memory, wanted) => {
    expect(reservedOf(reservations({ cores, memory: memory * gib }, presets[preset]))).toEqual(wanted)
  })

  test('never more than a small machine has', () => {
    const { cpu, memory } = reservedOf(reservations({ cores: 2, memory: 4 * gib }, presets.minimal))
    expect([cpu < 1000, memory < 2 * gib]).toEqual([true, true])
  })
})
