import { z } from 'zod'
import { millicores } from './cluster/quantity.ts'
import { duration } from './config-values.ts'

/** The part of a pool in `raibid.yaml` that says what its agents are in a cluster; a local pool has no use for it. */

const number = /^\d+(\.\d{1,3})?$/
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const cores = text.refine(
  (value) => number.test(value) || /^\d+m$/.test(value),
  'is not a number of cores such as 2, 0.5 or 500m',
)
const bytes = z.string().regex(/^0*[1-9]\d{0,8}(Mi|Gi)$/, 'is not a size such as 512Mi or 4Gi')
const label = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9./_-]{0,250}[A-Za-z0-9])?$/, 'is not a label')
const labelValue = text.refine(
  (value) => /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(value),
  'is not the value of a label',
)
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of an environment variable')
  .refine((name) => !name.startsWith('RAIBID_'), 'is a name of ours')

const claim = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/, 'is not the name of a PersistentVolumeClaim')

/** A name, then a tag or a digest: what is pulled must not change by itself. */
const image = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._/:-]*?(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$/, 'is not the name of an image')
  .refine((name) => /:[^/]+$|@sha256:/.test(name) && !/:latest$/.test(name), 'needs a tag other than latest, or a digest')

export const podShape = {
  image: image.optional().describe('In a cluster: image of the agents (default: the stage `default` of `just image`)'),
  cpu: cores.optional().describe('In a cluster: cores kept for one agent (default: 500m)'),
  cpuLimit: cores.optional().describe('In a cluster: cores that it may use at the most (default: all)'),
  memory: bytes.optional().describe('In a cluster: memory of one agent, kept for it and its limit (default: 4Gi)'),
  disk: bytes.optional().describe('In a cluster: disk of one agent, kept for it and its limit (default: 10Gi)'),
  gpu: z.int().min(1, 'is less than 1').optional().describe('In a cluster: GPUs of one agent (default: none)'),
  nodeSelector: z.record(label, labelValue).optional().describe('In a cluster: labels of the nodes that may run it'),
  env: z.record(variable, text).optional().describe('In a cluster: its environment; steps see of it what `passEnv` names'),
  cacheVolume: claim
    .optional()
    .describe('In a cluster: PersistentVolumeClaim that holds the builds’ caches (default: none are kept)'),
  cacheReadOnly: z
    .boolean()
    .optional()
    .describe('In a cluster: its agents may read the caches only; for a pool of forks (default: false)'),
  longestBuild: duration
    .optional()
    .describe('In a cluster: after this an agent’s build counts as stuck, whatever the job says (default: 6h, or `jobTimeout`)'),
}

/** Kubernetes refuses every pod whose limit is less than what is kept for it; 500m is what is kept when nothing is said. */
export const holdsItsCores = ({ cpu = '500m', cpuLimit }: { cpu?: string | undefined; cpuLimit?: string | undefined }): boolean =>
  cpuLimit === undefined || millicores(cpuLimit) >= millicores(cpu)

/** What the file says; every default is that of lib/cluster/pod-settings.ts. */
export type PodFile = z.infer<z.ZodObject<typeof podShape>>
