/** One run at a time for each Gitea. */
import { hostname } from 'node:os'
import { safe } from '#lib/cli/untrusted.ts'
import type { Config } from '#lib/config.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { digest, holderOf, takeNamed } from '#lib/pool/lock.ts'

/**
 * The right to change mirrors of a Gitea: on this machine by a socket that the kernel frees with the process, and among machines by a lease in the queue's
 * Redis, where there is one. Gives what hands it back. Throws RaibidError that says who has it.
 */
export async function oneAtATime(
  { redisUrl }: Pick<Config, 'redisUrl'>,
  gitea: string,
  what: string,
): Promise<() => Promise<void>> {
  const name = `mirror-${digest(gitea)}`
  const here = ` on ${hostname()} since `
  const who = `${what}, process ${process.pid}${here}${new Date().toISOString()}`
  const socket = await takeNamed(name, who)
  if (!socket) throw busy(gitea, await holderOf(name))
  // who had it here was killed: its socket is free
  const lease = redisUrl ? await leaseOf(redisUrl, gitea, who, (by) => by.includes(here)) : null
  if (lease && typeof lease === 'string') {
    socket.close()
    throw busy(gitea, lease)
  }
  return async () => {
    if (typeof lease === 'function') await lease()
    socket.close()
  }
}

/** What hands it back; or who has it; null: there is no Redis to ask. */
async function leaseOf(
  url: string,
  gitea: string,
  who: string,
  isDead: (by: string) => boolean,
): Promise<(() => Promise<void>) | string | null> {
  const [{ connectTask }, { takeMirrorLease }] = await Promise.all([
    import('#lib/queue/connect.ts'),
    import('#lib/queue/mirror-lease.ts'),
  ])
  try {
    const redis = await connectTask(url)
    const lease = await takeMirrorLease(redis, gitea, who, isDead)
    if (!lease.held) {
      redis.disconnect()
      return lease.by
    }
    return () => lease.release().finally(() => redis.disconnect())
  } catch (error) {
    if (error instanceof UnreachableError) return null
    throw error
  }
}

const busy = (gitea: string, by: string): RaibidError =>
  new RaibidError(
    `another run mirrors into ${gitea} just now${by ? ` (${safe(by)})` : ''}; nothing was done: start it again when that has ended`,
  )
