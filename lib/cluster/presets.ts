import { amount, type Amount, type OverlayName } from './overlays.ts'

/** A size of installation, as data. Sizes are Kubernetes' quantities. */
export interface Preset {
  /** For whom, in words. */
  summary: string
  /** Which folder of manifests/overlays it starts from. */
  overlay: OverlayName
  /** What the smallest machine for it has. */
  needs: Amount & { disk: string }
  /** What the volumes of the data stores ask for. */
  volumes: { redis: string; postgres: string; gitea: string }
  /** What the machine keeps for itself, beside what Kubernetes' own processes take: a part of it, and at least this. */
  reserve: { share: number; cpu: string; memory: string }
  /** What one agent asks for, where raibid.yaml says nothing. */
  agent: { cpu: string; memory: string }
}

export const presetNames = ['minimal', 'homelab', 'team', 'beast'] as const
export type PresetName = (typeof presetNames)[number]

export const presets: Readonly<Record<PresetName, Preset>> = {
  minimal: {
    summary: 'a laptop, a small board, or a cluster in a container',
    overlay: 'dev',
    needs: { ...amount(2, '4Gi'), disk: '20Gi' },
    volumes: { redis: '2Gi', postgres: '2Gi', gitea: '10Gi' },
    reserve: { share: 0.05, cpu: '200m', memory: '1Gi' },
    agent: { cpu: '500m', memory: '1Gi' },
  },
  homelab: {
    summary: 'one machine that does other work too',
    overlay: 'spark',
    needs: { ...amount(4, '16Gi'), disk: '150Gi' },
    volumes: { redis: '10Gi', postgres: '10Gi', gitea: '100Gi' },
    reserve: { share: 0.15, cpu: '1', memory: '4Gi' },
    agent: { cpu: '2', memory: '4Gi' },
  },
  team: {
    summary: 'a DGX Spark or a server that is there for building',
    overlay: 'spark',
    needs: { ...amount(8, '32Gi'), disk: '400Gi' },
    volumes: { redis: '10Gi', postgres: '20Gi', gitea: '250Gi' },
    reserve: { share: 0.1, cpu: '1', memory: '6Gi' },
    agent: { cpu: '2', memory: '4Gi' },
  },
  beast: {
    summary: 'few large builds at once, on all that there is',
    overlay: 'spark',
    needs: { ...amount(16, '64Gi'), disk: '800Gi' },
    volumes: { redis: '10Gi', postgres: '50Gi', gitea: '500Gi' },
    reserve: { share: 0.05, cpu: '1', memory: '6Gi' },
    agent: { cpu: '4', memory: '12Gi' },
  },
}
