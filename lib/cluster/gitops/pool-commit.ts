import { parseDocument } from 'yaml'
import { cluster } from '#lib/contract.ts'
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'
import { mustLogin } from '../gitea-login.ts'
import type { Kube } from '../kube.ts'
import type { PoolChange } from '../scaled-job-change.ts'
import { kinds, type ScaledJob } from '../types.ts'
import { isFluxOwned } from '../wish.ts'
import { poolFile } from './fleet.ts'
import { commitTo } from './repository.ts'
import { requestSync } from './state.ts'

const annotations = ['metadata', 'annotations'] as const

/** The text of a pool's file with the change in it; the same text when it is so already. Comments in it stay. */
export function changedFile(text: string, change: PoolChange): string {
  const document = parseDocument(text)
  if (document.errors.length) throw new RaibidError(`is no YAML: ${document.errors[0]!.message.split('\n')[0]}`)
  const before = JSON.stringify(document.toJS())
  if (change.do === 'scale') document.setIn(['spec', 'maxReplicaCount'], change.max)
  else if (change.do === 'pause') {
    document.setIn([...annotations, cluster.kedaPaused], 'true')
    document.setIn([...annotations, cluster.pausedAnnotation], change.because)
  } else
    for (const name of [cluster.kedaPaused, cluster.pausedAnnotation])
      if (document.hasIn([...annotations, name])) document.deleteIn([...annotations, name])
  return JSON.stringify(document.toJS()) === before ? text : document.toString({ lineWidth: 0 })
}

const messageFor = (pool: string, change: PoolChange): string =>
  change.do === 'scale'
    ? `Pool ${pool}: up to ${change.max}`
    : `Pool ${pool}: ${change.do === 'pause' ? change.because : 'resumed'}`

/**
 * Where Flux keeps a pool, what was changed in the cluster is committed as well: else Flux would undo it. Gives the commit; null where Flux keeps it not, or
 * the file says so already. RaibidError that names the file, when it can't be committed.
 */
export async function keepInRepository(kube: Kube, pool: string, change: PoolChange, namespace: string): Promise<string | null> {
  const ref = { ...kinds.scaledJob, metadata: { name: cluster.scaledJob(pool), namespace } }
  const live = await kube.get<ScaledJob>(ref)
  if (!live || !isFluxOwned(live)) return null
  const path = poolFile(pool)
  let isChanged = false
  try {
    const signal = AbortSignal.timeout(120_000)
    const admin = await mustLogin({ kube: async () => kube, settings: { existing: { kubeconfig: '' } }, signal })
    const head = await commitTo(admin, (there) => {
      const text = there[path]
      if (text === undefined) throw new RaibidError(`there is no ${path}`)
      const wanted = changedFile(text, change)
      isChanged = wanted !== text
      return isChanged ? { write: { [path]: wanted }, remove: [], message: messageFor(pool, change) } : null
    })
    if (isChanged) await requestSync(kube)
    return isChanged ? head : null
  } catch (error) {
    const said = `it is so in the cluster now, but Flux will undo it: ${path} of ${cluster.configOwner}/${cluster.configRepo} could not be changed: ${messageOf(error)}`
    throw error instanceof UnreachableError ? new UnreachableError(said) : new RaibidError(said)
  }
}
