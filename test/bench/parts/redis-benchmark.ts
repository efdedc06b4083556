import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Commands per second, as redis-benchmark counts them over one connection; null where it isn't installed. */
export async function redisBenchmark(
  port: number,
  n: number,
  pipelined: number,
  command: readonly string[],
): Promise<number | null> {
  const args = ['-p', port, '-n', n, '-c', 1, '-P', pipelined, '--csv', ...command].map(String)
  try {
    const { stdout } = await promisify(execFile)('redis-benchmark', args)
    const [, rate] =
      stdout
        .trim()
        .split('\n')
        .at(-1)!
        .match(/","([\d.]+)"/) ?? []
    return Number(rate)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
