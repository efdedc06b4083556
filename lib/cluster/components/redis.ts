import { cluster } from '#lib/contract.ts'
import { partsOf } from '../parts.ts'
import { redisSecrets } from '../redis-secrets.ts'
import { applied } from './applied.ts'
import { dataOf } from './volumes.ts'

export const redis = applied({
  name: 'redis',
  title: 'Redis, which holds the queue',
  needs: ['namespaces'],
  losesData: 'the queue: jobs, their logs and their history',
  settlesWithinMs: 180_000,
  objects: ({ config, settings }) => partsOf(config, settings).redis,
  secrets: redisSecrets,
  besides: [dataOf(cluster.redis)],
})
