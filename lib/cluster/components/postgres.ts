import { cluster } from '#lib/contract.ts'
import { giteaSecrets } from '../gitea-secrets.ts'
import { partsOf } from '../parts.ts'
import { applied } from './applied.ts'
import { dataOf } from './volumes.ts'

export const postgres = applied({
  name: 'postgres',
  title: 'PostgreSQL, for Gitea',
  needs: ['namespaces'],
  losesData: 'Gitea’s database: users, organisations, webhooks, what is said of commits',
  settlesWithinMs: 180_000,
  objects: ({ config, settings }) => partsOf(config, settings).postgres,
  secrets: (options) => giteaSecrets(options).filter(({ metadata }) => metadata.name === cluster.giteaDatabaseSecret),
  knownBy: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: cluster.giteaSecret, namespace: cluster.infrastructure } }],
  besides: [dataOf(cluster.postgres)],
})
