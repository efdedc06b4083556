import { cluster } from '#lib/contract.ts'
import type { KubeObject } from '../object.ts'

const { flux: namespace, configOwner, configRepo, giteaAddress } = cluster
const source = { kind: 'GitRepository', name: namespace }
/** The name of what applies the whole repository, and of its source. */
export const rootName = namespace

/** The parts of the config repository: a folder and a Kustomization each. */
export const folders = {
  /** Never pruned: a file that is lost must not take Gitea or a data store along. And nothing waits for it: Gitea away changes nothing. */
  infrastructure: { prune: false, dependsOn: [] },
  keda: { prune: true, dependsOn: [] },
  agents: { prune: true, dependsOn: [{ name: 'keda' }] },
} as const
export type Folder = keyof typeof folders

export const kustomizationRef = (name: string) => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace },
})
export const sourceRef = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: namespace, namespace },
}
export const receiverRef = {
  apiVersion: 'notification.toolkit.fluxcd.io/v1',
  kind: 'Receiver',
  metadata: { name: cluster.fluxReceiver, namespace },
}

/** Deleting a Kustomization leaves what it made: only a file that goes from the repository takes its object along. */
const kustomization = (name: string, path: string, spec: object): KubeObject => ({
  ...kustomizationRef(name),
  spec: { interval: '10m', retryInterval: '1m', timeout: '5m', path, deletionPolicy: 'Orphan', sourceRef: source, ...spec },
})

/** The Kustomizations of the folders: files of the repository themselves. */
export const folderObjects = (): KubeObject[] =>
  (Object.keys(folders) as Folder[]).map((name) => {
    const { prune, dependsOn } = folders[name]
    return kustomization(name, `./${name}`, {
      prune,
      wait: false,
      ...(dependsOn.length && { dependsOn }),
      // CRDs first: what is applied next is of their kinds
      ...(name === 'keda' && {
        healthChecks: [{ apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease', name: 'keda', namespace: cluster.keda }],
      }),
    })
  })

/** What ties Flux to the config repository. It is applied by us and stands outside of it, so that a bad commit can't cut it off. */
export function syncObjects(): KubeObject[] {
  const { fluxStatusSecret, fluxReceiverSecret } = cluster
  const notification = 'notification.toolkit.fluxcd.io'
  return [
    {
      ...sourceRef,
      spec: {
        ...{ interval: '5m', timeout: '60s', url: `http://${giteaAddress}/${configOwner}/${configRepo}.git` },
        ...{ ref: { branch: 'main' }, secretRef: { name: namespace } },
      },
    },
    kustomization(rootName, './clusters/main', { prune: true, wait: false }),
    // Gitea has no type of its own, and sends what GitHub sends
    {
      ...receiverRef,
      spec: {
        type: 'github',
        events: ['push'],
        secretRef: { name: fluxReceiverSecret },
        resources: [{ apiVersion: sourceRef.apiVersion, ...source }],
      },
    },
    {
      apiVersion: `${notification}/v1beta3`,
      kind: 'Provider',
      metadata: { name: 'gitea', namespace },
      spec: {
        type: 'gitea',
        address: `http://${giteaAddress}/${configOwner}/${configRepo}`,
        secretRef: { name: fluxStatusSecret },
      },
    },
    {
      apiVersion: `${notification}/v1beta3`,
      kind: 'Alert',
      metadata: { name: 'gitea', namespace },
      spec: { providerRef: { name: 'gitea' }, eventSeverity: 'info', eventSources: [{ kind: 'Kustomization', name: '*' }] },
    },
  ]
}
