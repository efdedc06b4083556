/** What a process takes of the machine, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds of CPU that a process, without its children, has used so far: by the scheduler's own count, in nanoseconds. */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const used = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]))
  return used.reduce((sum, ns) => sum + ns, 0) / 1e6
}

/** Megabytes of memory: all that is in it, and its own share of what several processes have in common (programs, libraries). */
export function memoryMb(pid: number): { rss: number; pss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
  return { rss: mb('Rss'), pss: mb('Pss') }
}
