import type { Job, Meta, ScaledJob } from '#lib/cluster/types.ts'
import { cluster } from '#lib/contract.ts'

/**
 * The Job that KEDA would create from a ScaledJob (kedacore/keda v2.20.2, pkg/scaling/executor/scale_jobs.go, generateJobs): same labels,
 * annotations and owner, so that KEDA counts it, cleans it, and takes it with the ScaledJob. Only `managed-by` says that it was us.
 */
export function jobFrom(scaledJob: ScaledJob): Job {
  const { metadata, spec = {}, apiVersion, kind } = scaledJob
  const { name = '', namespace, uid = '', generation = 0, labels = {}, annotations = {} } = metadata
  const { template = {}, ...target } = structuredClone(spec.jobTargetRef ?? {})
  const own = { [cluster.kedaJobLabel]: name }
  const excluded = (annotations['scaledjob.keda.sh/job-excluded-labels'] ?? '').split(',')
  const inherited = Object.entries(labels).filter(([label]) => !excluded.includes(label))
  const meta: Meta = { ...template.metadata, generateName: `${name}-`, labels: { ...template.metadata?.labels, ...own } }
  const pod = template.spec ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      generateName: `${name}-`,
      ...(namespace && { namespace }),
      labels: {
        'app.kubernetes.io/name': name,
        'app.kubernetes.io/part-of': name,
        'app.kubernetes.io/managed-by': cluster.fieldManager,
        ...own,
        ...Object.fromEntries(inherited),
      },
      annotations: { 'scaledjob.keda.sh/generation': String(generation), ...annotations },
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      ...target,
      template: { metadata: meta, spec: { ...pod, restartPolicy: pod.restartPolicy || 'OnFailure' } },
    } as object,
  }
}
