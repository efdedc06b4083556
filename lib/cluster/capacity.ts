import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import { table } from '#lib/cli/table.ts'
import { measure, type Facts } from '#lib/machine/facts.ts'
import type { ClusterContext } from './component.ts'
import { fit } from './fit.ts'
import { reservations, reservedOf } from './k3s/reserve.ts'
import { amountText, type Amount } from './overlays.ts'
import { partNames, partsOf } from './parts.ts'
import { presetNames, presets, type PresetName } from './presets.ts'
import { bytes, millicores } from './quantity.ts'
import { requestOf } from './requests.ts'
import { kinds, type KubeObject } from './types.ts'

/** What pods may have: all of the nodes, and what of it is kept from them. */
export interface Room {
  node: Amount
  reserved: Amount
}

/** How many agents of one pool a preset leaves room for, when no other pool runs any. */
export interface Capacity {
  preset: PresetName
  pool: string
  /** What one agent asks for. */
  agent: Amount
  /** What the machine, Kubernetes and everything but agents take. */
  taken: Amount
  /** Never below 0. */
  agents: number
  /** What raibid.yaml wants at the most. */
  max: number
}

/** The room on this machine, by what is reserved of it in a preset. */
export const roomOf = (facts: Pick<Facts, 'cores' | 'memory' | 'nvidia'>, preset: PresetName): Room => ({
  node: { cpu: facts.cores * 1000, memory: facts.memory, gpu: facts.nvidia?.driver ? 1 : 0 },
  reserved: reservedOf(reservations(facts, presets[preset])),
})

const parts = ['cpu', 'memory', 'gpu'] as const
const overAll = (make: (part: (typeof parts)[number]) => number): Amount => ({
  cpu: make('cpu'),
  memory: make('memory'),
  gpu: make('gpu'),
})

/** For each pool: the node minus what is reserved and what always runs, in agents. */
export function capacity(config: Config, room: Room, preset: PresetName): Capacity[] {
  const rendered = partsOf(config, { preset })
  const objects = partNames.flatMap((name) => rendered[name])
  const always = fit(
    objects.filter(({ kind }) => kind !== 'ScaledJob'),
    room,
  ).total
  return Object.entries(config.pools).map(([pool, { max }]) => {
    const agent = requestOf(
      objects.find(({ kind, metadata }) => kind === 'ScaledJob' && metadata.name === cluster.scaledJob(pool))!,
    )
    const free = overAll((part) => room.node[part] - always[part])
    const rooms = parts.filter((part) => agent[part] > 0).map((part) => Math.floor(free[part] / agent[part]))
    return { preset, pool, agent, taken: always, agents: Math.max(0, Math.min(...rooms)), max }
  })
}

interface Node extends KubeObject {
  status?: { allocatable?: Record<string, string> }
}

/** The room that there really is: the nodes' own word where a cluster was named, this machine as measured else. null: nobody can say yet. */
export async function room(ctx: ClusterContext, preset: PresetName): Promise<Room | null> {
  if (!ctx.settings.existing) {
    const facts = await measure(ctx.host)
    return facts.cores && facts.memory ? roomOf(facts, preset) : null
  }
  const { items } = await (await ctx.kube()).list<Node>(kinds.node, ctx.signal)
  const sum = (key: string, read: (text: string) => number): number =>
    items.reduce((total, { status }) => total + read(status?.allocatable?.[key] ?? '0'), 0)
  if (!items.length) return null
  const node = { cpu: sum('cpu', millicores), memory: sum('memory', bytes), gpu: sum('nvidia.com/gpu', Number) }
  // allocatable is what the reservations have left
  return { node, reserved: { cpu: 0, memory: 0, gpu: 0 } }
}

/** The capacity of every preset, the chosen one marked; empty where nobody can say. */
export async function capacities(ctx: ClusterContext): Promise<Capacity[]> {
  const rooms = await Promise.all(presetNames.map(async (name) => [name, await room(ctx, name)] as const))
  return rooms.flatMap(([name, there]) => (there ? capacity(ctx.config, there, name) : []))
}

/** As a table for people. */
export const capacityText = (all: readonly Capacity[], chosen: PresetName): string =>
  table(all, [
    { title: 'PRESET', value: ({ preset }) => `${preset}${preset === chosen ? ' *' : ''}` },
    { title: 'POOL', value: ({ pool }) => pool },
    { title: 'TAKEN', value: ({ taken }) => amountText(roundUp(taken)) },
    { title: 'ONE AGENT', value: ({ agent }) => amountText(agent) },
    { title: 'AGENTS THAT FIT', value: ({ agents }) => agents },
    { title: 'MAX', value: ({ max }) => max },
  ])

const roundUp = (amount: Amount): Amount => ({ ...amount, memory: Math.ceil(amount.memory / 2 ** 20) * 2 ** 20 })
