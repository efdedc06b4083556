import type { KubeObject } from './object.ts'

/** A Secret as it is applied: `data` is base64, because `stringData` never reads back the same. */
export interface Secret extends KubeObject {
  type: 'Opaque'
  data: Record<string, string>
}

export interface SecretOptions {
  /** What the cluster has of them already: what is in there is kept. */
  existing?: readonly Pick<Secret, 'metadata' | 'data'>[]
  /** `crypto.randomBytes`. */
  random: (size: number) => Buffer
}

/** A Secret with these texts. */
export const secret = (name: string, namespace: string, data: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type: 'Opaque',
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
})

/** What one of the existing Secrets has under this key, as text. */
export function kept({ existing = [] }: SecretOptions, name: string, key: string): string | undefined {
  const text = existing.find(({ metadata }) => metadata.name === name)?.data?.[key]
  return text ? Buffer.from(text, 'base64').toString() : undefined
}
