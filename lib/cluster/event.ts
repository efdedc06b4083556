import { cluster } from '#lib/contract.ts'
import type { Kube } from './kube.ts'
import type { KubeObject } from './types.ts'

const again = 300_000

/**
 * Tells of something as an Event on an object, where `kubectl describe` shows it. The same thing is told once in five minutes. An
 * Event that can't be written is no failure: `failed` is called.
 */
export function eventWriter(kube: Kube, failed: (error: Error) => void = () => {}) {
  const told = new Map<string, number>()
  return async (about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): Promise<void> => {
    const { name, namespace, uid, resourceVersion } = about.metadata
    const what = `${uid ?? name} ${reason} ${message}`
    const now = Date.now()
    for (const [key, at] of told) if (now - at > again) told.delete(key)
    if (told.has(what)) return
    told.set(what, now)
    const at = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
    const involvedObject = { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion }
    const event = {
      ...{ apiVersion: 'v1', kind: 'Event', metadata: { generateName: `${name}-`, namespace: namespace ?? 'default' } },
      ...{ involvedObject, type, reason, message: message.slice(0, 1000), count: 1, firstTimestamp: at, lastTimestamp: at },
      source: { component: cluster.fieldManager },
    }
    await kube.create(event as KubeObject).catch((error: unknown) => {
      told.delete(what)
      failed(error as Error)
    })
  }
}

export type TellEvent = ReturnType<typeof eventWriter>
