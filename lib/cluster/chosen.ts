import { inCluster, type KubeChoice } from './kubeconfig.ts'

/** Flags by which a task is told to work on a cluster. */
export const clusterFlags = {
  cluster: {
    type: 'boolean',
    description: 'the cluster of KUBECONFIG, and neither the local pool nor the cluster of just bootstrap',
  },
  kubeconfig: { type: 'string', description: 'the cluster of this kubeconfig', placeholder: '<file>' },
  context: { type: 'string', description: 'the context in it; default: its current one', placeholder: '<name>' },
  namespace: { type: 'string', description: 'the namespace of the pools', default: 'ci', placeholder: '<name>' },
} as const

export interface ClusterArgs {
  cluster: boolean
  kubeconfig?: string | undefined
  context?: string | undefined
  namespace: string
}

/** The cluster a task is to work on: one that a flag asks for, or the one we run in. null: the local pool. KUBECONFIG alone asks for nothing. */
export const chosenCluster = (
  { cluster, kubeconfig, context }: ClusterArgs,
  env: NodeJS.ProcessEnv = process.env,
): KubeChoice | null => (cluster || kubeconfig || context || inCluster(env) ? { kubeconfig, context, env } : null)
