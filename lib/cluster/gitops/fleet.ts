import type { Config } from '#lib/config.ts'
import { cluster } from '#lib/contract.ts'
import type { Settings } from '../component.ts'
import type { KubeObject } from '../object.ts'
import { partsOf } from '../parts.ts'
import { asFiles } from '../render.ts'
import { kedaObjects } from './keda-objects.ts'
import type { Files } from './merge.ts'
import { folderObjects } from './sync.ts'

const readme = `# What the cluster is made of

Flux applies what is pushed to \`main\`: \`infrastructure/\` (never pruned), \`keda/\`, and \`agents/\` (pools and serve).
\`clusters/main/\` says so. A file that is added to a folder is applied, one that goes takes its object along (not in \`infrastructure/\`).

\`just bootstrap\` writes here what it renders from \`raibid.yaml\`, and leaves alone what was changed here since; \`.raibid/rendered.json\` is how it knows.
Secrets are not in here. \`just scale\`, \`just pause\` and \`just resume\` commit here.
`

/** The whole config repository as text by path: one object a file. No kustomization.yaml: Flux takes every file of a folder, a person's too. */
export function fleetFiles(config: Config, settings: Pick<Settings, 'preset'>): Files {
  const { namespaces, redis, postgres, gitea, pools, serve } = partsOf(config, settings)
  const of = (folder: string, objects: readonly KubeObject[]): [string, string][] =>
    Object.entries(asFiles(objects)).flatMap(([name, text]): [string, string][] =>
      name === 'kustomization.yaml' ? [] : [[`${folder}/${name}`, text]],
    )
  return Object.fromEntries([
    ['README.md', readme],
    ...of('clusters/main', folderObjects()),
    ...of('infrastructure', [...namespaces, ...redis, ...postgres, ...gitea]),
    ...of('keda', kedaObjects()),
    ...of('agents', [...pools, ...serve]),
  ])
}

/** Where the ScaledJob of a pool stands. */
export const poolFile = (pool: string): string =>
  `agents/scaledjob-${cluster.namespace}-${cluster
    .scaledJob(pool)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')}.yaml`
