import type { Fault } from './fault.ts'
import type { FaultKind } from './kinds.ts'

/** The fault of this kind: the file of its name. */
export const loadFault = async (kind: FaultKind): Promise<Fault> =>
  ((await import(`./faults/${kind}.ts`)) as { fault: Fault }).fault
