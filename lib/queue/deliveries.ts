import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { ulid } from '#lib/ulid.ts'
import { keys } from './keys.ts'
import type { JobSpec } from './types.ts'

type Push = Pick<JobSpec, 'repo' | 'branch' | 'commit'>

const week = 7 * 86_400

/** Which job a delivery of a forge became, so that each becomes one, however often it is sent and whoever is killed when. */
export function deliveries(redis: Redis) {
  const keyOf = (source: string, id: string): string => keys.delivery(hash('sha256', JSON.stringify([source, id])).slice(0, 32))
  const foundKey = ({ repo, branch, commit }: Push): string => keyOf('poll', `${repo} ${branch} ${commit}`)

  return {
    /**
     * The id that the delivery's job has, or is to get; `again`: the delivery was seen before; `found`: the job as which the push was found
     * before anybody told of it.
     */
    async idFor(source: string, id: string, push: Push): Promise<{ job: string; again: boolean; found: string | null }> {
      const fresh = ulid()
      const answers = await redis.pipeline().set(keyOf(source, id), fresh, 'EX', week, 'NX', 'GET').get(foundKey(push)).exec()
      const [before, found] = (answers ?? []).map(([error, value]) => {
        if (error) throw error
        return value as string | null
      })
      return { job: before ?? fresh, again: Boolean(before), found: found ?? null }
    },

    /** Notes the job as which a push was found, until it is told of. */
    async foundAs(push: Push, job: string): Promise<void> {
      await redis.set(foundKey(push), job, 'EX', week)
    },

    /** Another job answers for it: for this telling of the push, and no later one. */
    async becomes(source: string, id: string, job: string, push?: Push): Promise<void> {
      const change = redis.multi().set(keyOf(source, id), job, 'EX', week)
      if (push) change.del(foundKey(push))
      await change.exec()
    },
  }
}
