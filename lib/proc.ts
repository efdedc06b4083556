/** What /proc tells of processes (Linux): read synchronously, 20 µs for each. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Facts {
  pid: number
  parent: number
  group: number
  session: number
  startTime: string
  /** It has memory of its own: it is no kernel thread, and not about to end. */
  alive: boolean
  /** Where its environment would be, when it has none; null when it has one. In the middle of an exec both can be wrong for a moment. */
  bareAt: string | null
}

/** What is known of one process; null when it is gone or a zombie. */
export function factsOf(pid: number): Facts | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The name in parentheses may hold blanks and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A process whose first thread has ended is a zombie by name only, as long as it has others.
  const gone = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)
  if (gone || fields.length < 20) return null
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19]!,
    alive: fields[20] !== '0',
    // env_start and env_end (proc(5)): an exec sets both to the same place, and the end again when it has looked through the strings
    bareAt: fields[48] !== '0' && fields[47] === fields[48] ? fields[47]! : null,
  }
}

/** All processes but our own. */
const numbersIn = (folder: string): number[] => readdirSync(folder).map(Number).filter(Number.isInteger)

export const processes = (): Facts[] =>
  numbersIn('/proc').flatMap((pid) => {
    const facts = pid === process.pid ? null : factsOf(pid)
    return facts ?? []
  })
