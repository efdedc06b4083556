import { nameOf, type KubeObject } from './object.ts'
import { amount, amountText, type Amount, type Overlay } from './overlays.ts'
import { podOf, replicasOf, requestOf } from './requests.ts'

/** One line of the sum: `count` pods that ask for `each`. */
export interface FitRow {
  name: string
  count: number
  each: Amount
}

export interface Fit {
  rows: FitRow[]
  total: Amount
  node: Amount
  /** What is wrong, as one sentence; null when everything fits at once. */
  problem: string | null
}

/** What runs in the cluster without being in manifests/: k3s's own pods, and KEDA's operator as its chart has it (only that one is needed). */
const elsewhere: FitRow[] = [
  { name: 'k3s: CoreDNS, metrics-server', count: 2, each: amount('100m', '70Mi') },
  { name: 'KEDA operator', count: 1, each: amount('100m', '100Mi') },
]

const times = (count: number, { cpu, memory, gpu }: Amount): Amount => ({
  cpu: cpu * count,
  memory: memory * count,
  gpu: gpu * count,
})
const plus = (a: Amount, b: Amount): Amount => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory, gpu: a.gpu + b.gpu })
const sumOf = (rows: FitRow[]): Amount =>
  rows.map(({ count, each }) => times(count, each)).reduce(plus, { cpu: 0, memory: 0, gpu: 0 })
const parts = ['cpu', 'memory', 'gpu'] as const

/** Does the node hold all that was rendered, with every pool at its maximum? */
export function fit(objects: readonly KubeObject[], { node, reserved }: Overlay): Fit {
  const made = objects.filter(podOf).map((one) => ({ name: nameOf(one), count: replicasOf(one), each: requestOf(one) }))
  const rows = [{ name: 'the machine itself', count: 1, each: reserved }, ...elsewhere, ...made]
  const total = sumOf(rows)
  return { rows, total, node, problem: problemOf(rows, total, node) }
}

function problemOf(rows: FitRow[], total: Amount, node: Amount): string | null {
  const short = parts.filter((part) => total[part] > node[part])
  if (!short.length) return null
  const sum = `all pools at their maximum need ${amountText(total)}, and the node has ${amountText(node)}`
  return `It does not fit: ${sum}. ${advice(rows, total, node, short)}`
}

/** The pool that asks for most of what is short, and how many of its agents there would be room for. */
function advice(rows: FitRow[], total: Amount, node: Amount, short: (typeof parts)[number][]): string {
  const pools = rows.filter(({ name }) => name.startsWith('ScaledJob '))
  const part = short[0]!
  const [largest] = [...pools].sort((a, b) => b.count * b.each[part] - a.count * a.each[part])
  if (!largest?.each[part]) return 'A larger node is needed.'
  const pool = largest.name.replace(/^.*\/agents-/, '')
  const others = plus(total, times(-largest.count, largest.each))
  const room = Math.min(
    ...parts.filter((one) => largest.each[one]).map((one) => Math.floor((node[one] - others[one]) / largest.each[one])),
  )
  if (room < 0) return 'It is too small even without agents.'
  return room >= 1
    ? `Set pools.${pool}.max to ${room} in raibid.yaml, or let its agents ask for less.`
    : `There is no room for even one agent of the pool ${pool}: let its agents ask for less (cpu, memory, gpu in raibid.yaml).`
}
