import { discovery } from './discovery.ts'
import { loadLogin, type KubeChoice } from './kubeconfig.ts'
import { readsOf } from './reads.ts'
import { transportTo } from './transport.ts'
import { writesTo } from './writes.ts'

/**
 * A Kubernetes cluster: one API server, one login. UnreachableError (exit 3) names the server when it does not answer; ApiError
 * says what was refused and why. Every request is bounded: 15 s.
 */
export async function openKube(choice: KubeChoice = {}) {
  const login = await loadLogin(choice)
  const transport = transportTo(login)
  const homes = discovery(transport)
  const reads = readsOf(transport, homes)
  return { server: login.server, context: login.context, close: transport.close, ...reads, ...writesTo(transport, homes, reads) }
}

export type Kube = Awaited<ReturnType<typeof openKube>>
