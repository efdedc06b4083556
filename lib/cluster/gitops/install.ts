import { parseAllDocuments } from 'yaml'
import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import type { KubeObject } from '../object.ts'
import { releaseFile } from '../release-file.ts'
import { fluxInstall } from '../releases.ts'
import { containersOf } from '../requests.ts'

/** What we use of Flux. (Its others write commits for new images, and watch sources that we have none of.) */
export const controllers = ['source-controller', 'kustomize-controller', 'helm-controller', 'notification-controller'] as const
/** As the file is called in the folder for machines without a network. */
export const installFile = 'flux-install.yaml'

/** The objects of a release's install.yaml that belong to our controllers, definitions of kinds first. RaibidError for a file that is something else. */
export function installObjects(text: string): KubeObject[] {
  const documents = parseAllDocuments(text).map((one) => one.toJS({ maxAliasCount: 0 }) as KubeObject | null)
  const objects = documents.filter((one): one is KubeObject => Boolean(one?.apiVersion && one.kind && one.metadata?.name))
  const wanted = objects.filter(({ metadata }) => {
    const component = metadata.labels?.['app.kubernetes.io/component']
    return !component?.endsWith('-controller') && component !== 'source-watcher'
      ? true
      : controllers.some((name) => name === component)
  })
  const deployed = wanted.flatMap(({ kind, metadata }) => (kind === 'Deployment' ? [metadata.name] : []))
  const lacking = controllers.filter((name) => !deployed.includes(name))
  if (lacking.length)
    throw new RaibidError(`what should install Flux has no Deployment ${lacking.join(', ')}; is it the whole install.yaml?`)
  for (const one of wanted) if (one.kind === 'Deployment') hasten(one)
  const rank = ({ kind }: KubeObject): number => ['Namespace', 'CustomResourceDefinition'].indexOf(kind)
  return wanted.toSorted((a, b) => (rank(a) < 0 ? 2 : rank(a)) - (rank(b) < 0 ? 2 : rank(b)))
}

/** Of two that depend on each other the second looks again after 30 s: a commit would take so long to reach the pools. */
function hasten(deployment: KubeObject): void {
  for (const container of containersOf(deployment)) {
    if (['kustomize-controller', 'helm-controller'].includes(deployment.metadata.name))
      container.args?.push('--requeue-dependency=5s')
  }
}

export const fluxObjects = async (ctx: ClusterContext): Promise<KubeObject[]> =>
  installObjects(await releaseFile(fluxInstall, installFile, ctx))

export const namespaceRef = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: cluster.flux } }

/** The Deployments, as the cluster has them. */
export const controllerRefs = controllers.map((name) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: cluster.flux },
}))
