import type { Facts } from '#lib/machine/facts.ts'
import type { Amount } from '../overlays.ts'
import type { Preset } from '../presets.ts'
import { bytes, millicores } from '../quantity.ts'

/** What pods don't get: what the machine itself keeps, what Kubernetes' own processes take, and below what free memory pods are thrown out. */
export interface Reservations {
  system: Omit<Amount, 'gpu'>
  kube: Omit<Amount, 'gpu'>
  /** Bytes. */
  evictBelow: number
}

const mebibyte = 2 ** 20
/** Whole mebibytes: nobody wants to read more digits in a config file. */
const whole = (size: number): number => Math.ceil(size / mebibyte) * mebibyte

/** What is reserved of a machine as it was measured, by a preset. */
export function reservations({ cores, memory }: Pick<Facts, 'cores' | 'memory'>, { reserve }: Preset): Reservations {
  const large = memory >= 16 * 2 ** 30
  return {
    system: {
      cpu: Math.max(millicores(reserve.cpu), Math.ceil((cores * 1000 * reserve.share) / 100) * 100),
      memory: whole(Math.max(bytes(reserve.memory), memory * reserve.share)),
    },
    kube: { cpu: Math.min(1000, Math.max(100, cores * 50)), memory: whole(large ? 2 * 2 ** 30 : memory * 0.06) },
    evictBelow: whole(Math.min(6 * 2 ** 30, Math.max(100 * mebibyte, memory * 0.05))),
  }
}

/** All of it in one sum, as `fit` takes it. */
export const reservedOf = ({ system, kube, evictBelow }: Reservations): Amount => ({
  cpu: system.cpu + kube.cpu,
  memory: system.memory + kube.memory + evictBelow,
  gpu: 0,
})
