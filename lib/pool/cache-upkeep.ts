import { formatBytes } from '#lib/bytes.ts'
import { existsSync } from 'node:fs'
import type { Config } from '#lib/config.ts'
import { messageOf } from '#lib/errors.ts'

const first = 10_000
const hour = 3_600_000

/** Prunes the builds' caches soon after the start, then each hour, until the signal. Loads nothing for it as long as there are none. */
export function keepCaches({ folder, ...limits }: Config['cache'], signal: AbortSignal, say: (text: string) => void): void {
  let timer: NodeJS.Timeout
  const later = (ms: number): void => void (timer = setTimeout(() => void tend(), ms).unref())
  signal.addEventListener('abort', () => clearTimeout(timer))
  later(first)

  async function tend(): Promise<void> {
    try {
      if (existsSync(folder)) {
        const { prune } = await import('#lib/cache/room.ts')
        const gone = await prune(folder, limits)
        const bytes = gone.reduce((sum, one) => sum + one.bytes, 0)
        if (gone.length)
          say(`caches: ${gone.length} pruned, ${formatBytes(bytes)} (${[...new Set(gone.map(({ why }) => why))].join('; ')})`)
      }
    } catch (error) {
      say(`caches: ${messageOf(error)}`)
    }
    if (!signal.aborted) later(hour)
  }
}
