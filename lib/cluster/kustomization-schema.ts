import { z } from 'zod'

/** The parts of a kustomization.yaml that lib/cluster/kustomize.ts understands; any other key is an error. */
const patch = z.strictObject({ target: z.strictObject({ kind: z.string(), name: z.string() }), patch: z.string() })

export const kustomization = z.strictObject({
  apiVersion: z.string(),
  kind: z.enum(['Kustomization', 'Component']),
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  patches: z.array(patch).default([]),
})

export type Patch = z.infer<typeof patch>
