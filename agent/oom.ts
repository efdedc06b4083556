import { readFileSync } from 'node:fs'

/** Of the container we are in: its cgroup as version 2 and version 1 show it. On a bare machine there is neither, or nothing is counted. */
const places = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']

/**
 * How many processes the kernel has killed so far because the container's memory was full. It picks the largest: mostly some process of a
 * step, and the container and its agent live on. (Under cgroup v2 kubelet has all of them killed together; then the pod tells.)
 */
export function oomKills(files: readonly string[] = places): number {
  for (const file of files) {
    try {
      const told = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))
      if (told) return Number(told[1])
    } catch {
      // not there: the next place
    }
  }
  return 0
}
