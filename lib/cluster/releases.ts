/** What a cluster is made of that raibid-ci didn't make: `just pin` records what these are, byte by byte. */
const keda = 'https://github.com/kedacore/keda/releases/download/v2.20.2'

/** The k3s that is installed, and where its files are. */
export const k3sVersion = 'v1.37.1+k3s1'
export type Architecture = 'arm64' | 'amd64'
const tag = encodeURIComponent(k3sVersion)
const k3s = `https://github.com/k3s-io/k3s/releases/download/${tag}`
export const k3sRelease = {
  script: `https://raw.githubusercontent.com/k3s-io/k3s/${tag}/install.sh`,
  /** Lists the checksums of all the others. */
  checksums: (architecture: Architecture) => `${k3s}/sha256sum-${architecture}.txt`,
  file: (name: string) => `${k3s}/${name}`,
  /** As the release calls them. */
  binary: (architecture: Architecture) => (architecture === 'arm64' ? 'k3s-arm64' : 'k3s'),
  images: (architecture: Architecture) => `k3s-airgap-images-${architecture}.tar.zst`,
}

/** What Flux is installed from. */
export const fluxInstall = 'https://github.com/fluxcd/flux2/releases/download/v2.9.4/install.yaml'
/** KEDA where there is no Flux to install it. */
export const kedaInstall = [`${keda}/keda-2.20.2-crds.yaml`, `${keda}/keda-2.20.2-core.yaml`] as const

/** Base of the agents' image, as agent/Dockerfile names it (a test compares), and KEDA's operator. Those of manifests/ are found there. */
export const images = ['docker.io/library/debian:bookworm-20260824-slim', 'ghcr.io/kedacore/keda:2.20.2'] as const

/** Files of releases. The lists of checksums stand for the large files that they name. */
export const releases = [
  `${keda}/keda-2.20.2-core.yaml`,
  `${keda}/keda-2.20.2-crds.yaml`,
  fluxInstall,
  k3sRelease.script,
  k3sRelease.checksums('arm64'),
  k3sRelease.checksums('amd64'),
] as const
