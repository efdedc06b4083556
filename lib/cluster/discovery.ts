import { RaibidError } from '#lib/errors.ts'
import { isMissing } from './api-error.ts'
import type { Transport } from './transport.ts'
import type { Ref } from './types.ts'

interface Resource {
  name: string
  kind: string
  namespaced: boolean
}

/** Where objects of a kind live: `/apis/batch/v1` + (`/namespaces/ci`) + `/jobs`. */
export interface Home {
  base: string
  plural: string
  namespaced: boolean
}

/** What every cluster has and we use all the time: not asked for. */
const usual: Record<string, [plural: string, namespaced: boolean]> = {
  'v1 Pod': ['pods', true],
  'v1 Event': ['events', true],
  'v1 Node': ['nodes', false],
  'v1 Namespace': ['namespaces', false],
  'batch/v1 Job': ['jobs', true],
  'coordination.k8s.io/v1 Lease': ['leases', true],
  'keda.sh/v1alpha1 ScaledJob': ['scaledjobs', true],
}

/** Finds where the objects of a kind live; what isn't known is asked for once. RaibidError when the cluster has no such kind. */
export function discovery(transport: Transport) {
  const groups = new Map<string, Promise<Resource[]>>()
  async function kind(apiVersion: string, name: string): Promise<Home> {
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const own = usual[`${apiVersion} ${name}`]
    if (own) return { base, plural: own[0], namespaced: own[1] }
    const asked = groups.get(base) ?? ask(base)
    groups.set(base, asked)
    const found = (await asked).find((one) => one.kind === name && !one.name.includes('/'))
    if (found) return { base, plural: found.name, namespaced: found.namespaced }
    // its CRD may come later
    groups.delete(base)
    throw new RaibidError(`${transport.server} knows no ${name} (${apiVersion}): is what defines it installed?`)
  }

  /** The path of one object. */
  const place = async ({ apiVersion, kind: name, metadata }: Ref): Promise<string> =>
    pathOf(await kind(apiVersion, name), metadata.namespace, metadata.name)

  async function ask(base: string): Promise<Resource[]> {
    try {
      const list = (await transport.request({ method: 'GET', path: base, verb: 'list', what: `the kinds of ${base}` })) as {
        resources?: Resource[]
      }
      return list.resources ?? []
    } catch (error) {
      groups.delete(base)
      if (isMissing(error)) return []
      throw error
    }
  }

  return { kind, place }
}

export type HomeOf = ReturnType<typeof discovery>

/** What names an object in a sentence. */
export const named = ({ kind, metadata }: Ref): string =>
  `${kind} ${metadata.name ?? '(unnamed)'}${metadata.namespace ? ` in ${metadata.namespace}` : ''}`

/** The path of one object, or of all (no name). */
export function pathOf({ base, plural, namespaced }: Home, namespace?: string, name?: string): string {
  const parts = [...(namespaced && namespace ? ['namespaces', namespace] : []), plural, ...(name ? [name] : [])]
  return `${base}/${parts.map(encodeURIComponent).join('/')}`
}
