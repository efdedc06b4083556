import { stringify } from 'yaml'
import { createRepo, type TestRepo } from './tmp-repo.ts'

type Script = string | { name: string; run: string; timeout?: string }

/** The `.raibid.yaml` that runs these scripts, one step each. */
export const stepsFile = (...scripts: Script[]): { '.raibid.yaml': string } => ({
  '.raibid.yaml': stringify({
    steps: scripts.map((one, i) => (typeof one === 'string' ? { name: `step${i + 1}`, run: one } : one)),
  }),
})

/** A repository whose `.raibid.yaml` runs these scripts, one step each. */
export const stepsRepo = (...scripts: Script[]): TestRepo => createRepo({ files: stepsFile(...scripts) })

/** Prints numbered lines, slowly enough to be hit in the middle: `line 1` … `line <n>`, then `all <n> lines`. */
export const counting = (n: number, seconds = 0.05): string =>
  `for i in $(seq ${n}); do echo "line $i"; sleep ${seconds}; done; echo "all ${n} lines"`

/** The numbers of the lines in an output of `counting`. */
export const counted = (log: string): number[] => [...log.matchAll(/^line (\d+)$/gm)].map((match) => Number(match[1]))

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
