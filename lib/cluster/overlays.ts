import { availableParallelism, totalmem } from 'node:os'
import { messageOf, UsageError } from '#lib/errors.ts'
import { bytes, cpuText, memoryText, millicores } from './quantity.ts'

/** What a node has, or something asks for: thousandths of a core, bytes, GPUs. */
export interface Amount {
  cpu: number
  memory: number
  gpu: number
}

export interface Overlay {
  node: Amount
  /** What the machine itself and Kubernetes' own processes keep (k3s: system-reserved, kube-reserved, eviction-hard). */
  reserved: Amount
}

export const overlayNames = ['spark', 'dev'] as const
export type OverlayName = (typeof overlayNames)[number]

export const amount = (cpu: string | number, memory: string | number, gpu = 0): Amount => ({
  cpu: millicores(cpu),
  memory: bytes(memory),
  gpu,
})

/** The node that an overlay is made for. */
export function overlay(name: OverlayName): Overlay {
  if (name === 'spark') return { node: amount(20, '120Gi', 1), reserved: amount(3, '20Gi') }
  // a developer's machine: this one
  const memory = Math.floor(totalmem() / 2 ** 20) * 2 ** 20
  return { node: { cpu: availableParallelism() * 1000, memory, gpu: 0 }, reserved: amount('200m', '1Gi') }
}

/** `cpu=20,memory=120Gi,gpu=1`; UsageError for anything else. */
export function parseNode(text: string): Amount {
  const pairs = text.split(',').map((part) => part.split('=') as [string, string | undefined])
  const given = Object.fromEntries(pairs)
  const isKnown = pairs.every(([key, value]) => ['cpu', 'memory', 'gpu'].includes(key) && value)
  if (!isKnown || !given['cpu'] || !given['memory'] || !/^\d*$/.test(given['gpu'] ?? ''))
    throw new UsageError(`--node: ${JSON.stringify(text)} is not like cpu=20,memory=120Gi (and gpu=1, where there is one).`)
  try {
    return amount(given['cpu'], given['memory'], Number(given['gpu'] ?? 0))
  } catch (error) {
    throw new UsageError(`--node: ${messageOf(error)}`)
  }
}

export const amountText = ({ cpu, memory, gpu }: Amount): string =>
  [`${cpuText(cpu)} cores`, memoryText(memory), ...(gpu ? [`${gpu} GPU`] : [])].join(', ')
