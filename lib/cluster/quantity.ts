/** Kubernetes' quantities, as far as raibid-ci writes them: `2`, `0.5`, `500m` cores; `512Mi`, `4Gi` bytes. */
import { RaibidError } from '#lib/errors.ts'

const units: Record<string, number> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }

/** Thousandths of a core. */
export function millicores(text: string | number): number {
  const [, digits, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(text)) ?? []
  if (digits === undefined) throw new RaibidError(`${JSON.stringify(text)} is not a number of cores such as 2, 0.5 or 500m`)
  return Math.round(Number(digits) * (milli ? 1 : 1000))
}

/** Bytes. */
export function bytes(text: string | number): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|)$/.exec(String(text)) ?? []
  if (digits === undefined) throw new RaibidError(`${JSON.stringify(text)} is not a size such as 512Mi or 4Gi`)
  return Math.round(Number(digits) * units[unit ?? '']!)
}

/** As Kubernetes itself writes them, so that what is applied reads back the same. */
export const cpuText = (milli: number): string => (milli % 1000 ? `${milli}m` : String(milli / 1000))
export const memoryText = (size: number): string =>
  size % units['Gi']! ? `${Math.ceil(size / units['Mi']!)}Mi` : `${size / units['Gi']!}Gi`
