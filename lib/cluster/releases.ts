/** What a cluster is made of that raibid-ci didn't make: `just pin` records what these are, byte by byte. */
const keda = 'https://github.com/kedacore/keda/releases/download/v2.20.2'
const k3s = 'https://github.com/k3s-io/k3s/releases/download/v1.37.1%2Bk3s1'

/** Base of the agents' image, as agent/Dockerfile names it (a test compares), and KEDA's operator. Those of manifests/ are found there. */
export const images = ['docker.io/library/debian:bookworm-20260824-slim', 'ghcr.io/kedacore/keda:2.20.2'] as const

/** Files of releases. The lists of checksums stand for the large files that they name. */
export const releases = [
  `${keda}/keda-2.20.2-core.yaml`,
  `${keda}/keda-2.20.2-crds.yaml`,
  `${k3s}/sha256sum-arm64.txt`,
  `${k3s}/sha256sum-amd64.txt`,
] as const
