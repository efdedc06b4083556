import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing } from './api-error.ts'
import { named, pathOf, type HomeOf } from './discovery.ts'
import type { Transport } from './transport.ts'
import type { KubeObject, Ref, Scope } from './types.ts'

export interface PodLogOptions {
  container?: string | undefined
  /** At most so many lines. */
  tail: number
  previous?: boolean
  signal?: AbortSignal | undefined
}

/** What may be asked of a cluster. */
export function readsOf({ request, lines, texts }: Transport, homeOf: HomeOf) {
  /** The object; null when it isn't there. */
  async function get<T extends KubeObject>(ref: Ref, signal?: AbortSignal): Promise<T | null> {
    try {
      return (await request({ method: 'GET', path: await homeOf.place(ref), verb: 'get', what: named(ref), signal })) as T
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** Everything in the scope, page by page, and the version to watch on from. */
  async function list<T extends KubeObject>(scope: Scope, signal?: AbortSignal): Promise<{ items: T[]; version: string }> {
    const home = await homeOf.kind(scope.apiVersion, scope.kind)
    const what = `${home.plural}${scope.namespace ? ` in ${scope.namespace}` : ''}`
    const items: T[] = []
    for (let next: string | undefined, version = ''; ;) {
      const query = { labelSelector: scope.labels, fieldSelector: scope.fields, limit: 500, continue: next }
      const page = (await request({ method: 'GET', path: pathOf(home, scope.namespace), query, verb: 'list', what, signal })) as {
        items?: T[] | null
        metadata: { resourceVersion: string; continue?: string }
      }
      // items of a list don't say what they are; none may be null, as Go writes it
      items.push(...(page.items ?? []).map((item) => ({ ...item, apiVersion: scope.apiVersion, kind: scope.kind })))
      version ||= page.metadata.resourceVersion
      next = page.metadata.continue || undefined
      if (!next) return { items, version }
    }
  }

  /** One turn of a watch from a version on: what the server sends, until it ends the turn. */
  async function* changes(scope: Scope, from: string, signal: AbortSignal): AsyncGenerator<{ type: string; object: KubeObject }> {
    const home = await homeOf.kind(scope.apiVersion, scope.kind)
    // not all watches at one moment; and a connection that died without a word is noticed soon after
    const seconds = 45 + Math.floor(Math.random() * 30)
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: seconds,
      labelSelector: scope.labels,
      fieldSelector: scope.fields,
    }
    const what = `${home.plural}${scope.namespace ? ` in ${scope.namespace}` : ''}`
    const path = pathOf(home, scope.namespace)
    const withinMs = (seconds + 10) * 1000
    yield* lines({ method: 'GET', path, query, verb: 'watch', what, withinMs, signal }) as AsyncGenerator<{
      type: string
      object: KubeObject
    }>
  }

  /** The last lines of a container's log; `previous`: of the one before it was restarted. Empty where there is none yet. */
  async function podLog(namespace: string, name: string, options: PodLogOptions): Promise<string[]> {
    const { container, tail, previous = false, signal } = options
    const path = pathOf({ base: '/api/v1', plural: 'pods', namespaced: true }, namespace, name)
    const query = { container, tailLines: tail, limitBytes: 65_536, previous: previous ? 'true' : undefined }
    const what = `the log of pod ${name} in ${namespace}`
    const text = await request({ method: 'GET', path: `${path}/log`, query, verb: 'read', what, raw: true, signal })
    return String(text).split('\n').filter(Boolean)
  }

  /** A container's log as it comes, until the container or the signal ends it. */
  async function* followLog(namespace: string, name: string, { container, tail, signal }: PodLogOptions): AsyncGenerator<string> {
    const path = pathOf({ base: '/api/v1', plural: 'pods', namespaced: true }, namespace, name)
    const query = { container, tailLines: tail, follow: 'true' }
    const what = `the log of pod ${name} in ${namespace}`
    yield* texts({ method: 'GET', path: `${path}/log`, query, verb: 'read', what, raw: true, withinMs: 86_400_000, signal })
  }

  /** Waits until the API server says it is ready; gives false when the signal came first. `onWait`: once, with why. */
  async function ready(signal: AbortSignal, onWait: (why: Error) => void = () => {}): Promise<boolean> {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        await request({ method: 'GET', path: '/version', verb: 'get', what: 'its version', withinMs: 5000, signal })
        return true
      } catch (error) {
        if (tries === 0 && !signal.aborted) onWait(error as Error)
        await sleep(Math.min(5000, 250 * 2 ** Math.min(tries, 5)), undefined, { signal }).catch(() => {})
      }
    }
    return false
  }

  return { get, list, changes, podLog, followLog, ready }
}

export type Reads = ReturnType<typeof readsOf>
