import { cluster } from '#lib/contract.ts'
import { isConflict, isMissing } from './api-error.ts'
import { differences, type Difference } from './diff.ts'
import { named, pathOf, type HomeOf } from './discovery.ts'
import type { Reads } from './reads.ts'
import type { Transport } from './transport.ts'
import type { KubeObject, Ref } from './types.ts'

export interface ApplyOptions {
  /** Take over fields that somebody else has set. */
  force?: boolean
  dryRun?: boolean
}

export interface DeleteOptions {
  /** `Background`: what it owns goes after it (default). */
  propagation?: 'Background' | 'Foreground' | 'Orphan'
  /** Seconds its containers get to end. */
  graceSeconds?: number
  /** Only the object that has this uid. */
  uid?: string | undefined
}

const manager = { fieldManager: cluster.fieldManager }

/** What may be changed in a cluster, in the name of `raibid-ci`. */
export function writesTo({ request }: Transport, homeOf: HomeOf, { get }: Reads) {
  /** Makes a new object. ApiError (`AlreadyExists`) when its name is taken. */
  async function create<T extends KubeObject>(object: T): Promise<T> {
    const home = await homeOf.kind(object.apiVersion, object.kind)
    const path = pathOf(home, object.metadata.namespace)
    return (await request({ method: 'POST', path, query: manager, body: object, verb: 'create', what: named(object) })) as T
  }

  /** Replaces an object as it was read; ApiError (409) when somebody changed it since. */
  async function replace<T extends KubeObject>(object: T): Promise<T> {
    const path = await homeOf.place(object)
    return (await request({ method: 'PUT', path, query: manager, body: object, verb: 'update', what: named(object) })) as T
  }

  /** Changes some fields, whoever set them; null removes one. `sub`: as in `status`. */
  async function patch<T extends KubeObject>(ref: Ref, change: object, sub = ''): Promise<T> {
    const path = (await homeOf.place(ref)) + (sub && `/${sub}`)
    const contentType = 'application/merge-patch+json'
    return (await request({
      method: 'PATCH',
      path,
      query: manager,
      body: change,
      contentType,
      verb: 'patch',
      what: named(ref),
    })) as T
  }

  /** Server-side apply as `raibid-ci`: gives what is there now. ApiError (409) names the fields that others have set, unless forced. */
  async function apply<T extends KubeObject>(object: T, { force = false, dryRun = false }: ApplyOptions = {}): Promise<T> {
    const query = { ...manager, force: force ? 'true' : undefined, dryRun: dryRun ? 'All' : undefined }
    const contentType = 'application/apply-patch+yaml'
    const path = await homeOf.place(object)
    return (await request({ method: 'PATCH', path, query, body: object, contentType, verb: 'apply', what: named(object) })) as T
  }

  /** What an apply would change: the server is asked, nothing is written. Empty: nothing; null: it would be new. */
  async function diff(object: KubeObject, options: Pick<ApplyOptions, 'force'> = {}): Promise<Difference[] | null> {
    const live = await get(object)
    const wanted = await apply(object, { ...options, dryRun: true })
    return live && differences(live, wanted)
  }

  /** Deletes an object; false when it wasn't there (any more, or not the one that was meant). */
  async function remove(ref: Ref, { propagation = 'Background', graceSeconds, uid }: DeleteOptions = {}): Promise<boolean> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation,
      ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
      ...(uid && { preconditions: { uid } }),
    }
    try {
      await request({ method: 'DELETE', path: await homeOf.place(ref), body, verb: 'delete', what: named(ref) })
      return true
    } catch (error) {
      if (isMissing(error) || (uid && isConflict(error))) return false
      throw error
    }
  }

  return { create, replace, patch, apply, diff, remove }
}
