import type { Redis } from 'ioredis'
import { keys } from './keys.ts'

/** What people call a job by. The index holds ids written backwards, so a tail is a range of it. */
export function nameIndex(redis: Redis) {
  return {
    /** Ids for a name: a whole id, a tail of at least four characters, `@latest`, `@failed`. At most `limit`. */
    async resolve(name: string, limit = 6): Promise<string[]> {
      if (name === '@latest') return redis.zrevrange(keys.jobs, 0, 0)
      if (name === '@failed') {
        const [a, b] = await Promise.all(
          ['failed', 'dead'].map((state) => redis.zrevrange(keys.state(state), 0, 0, 'WITHSCORES')),
        )
        return [a!, b!]
          .filter((hit) => hit.length)
          .sort((x, y) => Number(y[1]) - Number(x[1]))
          .slice(0, 1)
          .map((hit) => hit[0]!)
      }
      const tail = name.toUpperCase()
      if (!/^[0-9A-Z]{4,26}$/.test(tail)) return []
      const backwards = [...tail].reverse().join('')
      const hits = await redis.zrangebylex(keys.tail, `[${backwards}`, `[${backwards}\xff`, 'LIMIT', 0, limit)
      return hits.map((hit) => [...hit].reverse().join(''))
    },

    /** The ids that share the longest tail with a name that fits none: for "did you mean". */
    async nearest(name: string, limit = 3): Promise<string[]> {
      const tail = [
        ...name
          .toUpperCase()
          .replace(/[^0-9A-Z]/g, '')
          .slice(-26),
      ]
        .reverse()
        .join('')
      for (let length = tail.length - 1; length >= 1; length--) {
        const start = tail.slice(0, length)
        const hits = await redis.zrangebylex(keys.tail, `[${start}`, `[${start}\xff`, 'LIMIT', 0, limit)
        if (hits.length) return hits.map((hit) => [...hit].reverse().join(''))
      }
      return redis.zrevrange(keys.jobs, 0, limit - 1)
    },
  }
}
