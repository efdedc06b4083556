import { setTimeout as sleep } from 'node:timers/promises'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'

const cursorLine = '-- cursor: '

/** Lines of the service's journal: the last ones, and with `follow` those that come. */
export async function* journalOf(
  { host, signal }: ClusterContext,
  { tail, follow }: { tail: number; follow: boolean },
): AsyncGenerator<string> {
  const base = ['journalctl', '-u', 'k3s', '--no-pager', '-o', 'short-iso', '--show-cursor']
  let from = ['-n', String(tail)]
  for (;;) {
    const { code, stdout, stderr } = await host.run([...base, ...from], { signal })
    if (code !== 0) throw new RaibidError(`the journal of k3s can't be read: ${stderr.trim() || `exit code ${code}`}`)
    const lines = stdout.split('\n').filter(Boolean)
    const cursor = lines.at(-1)?.startsWith(cursorLine) ? lines.pop()!.slice(cursorLine.length) : undefined
    yield* lines.filter((line) => !line.startsWith('-- No entries'))
    if (!follow) return
    if (cursor) from = ['--after-cursor', cursor]
    await sleep(1000, undefined, { signal })
  }
}
