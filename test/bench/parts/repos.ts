import { join } from 'node:path'
import { createRepo, type TestRepo } from '#test/helpers/tmp-repo.ts'
import type { Scratch } from './scratch.ts'

/** What the first line of a measured step says. */
export const marker = 'bench-line'

/** A repository of one file whose `.raibid.yaml` runs one script. JSON is YAML. */
export const repoOf = ({ folder }: Scratch, name: string, run: string): TestRepo =>
  createRepo({ path: join(folder, name), files: { '.raibid.yaml': JSON.stringify({ steps: [{ name: 'bench', run }] }) } })

export const echoRepo = (open: Scratch): TestRepo => repoOf(open, 'echo', `echo ${marker}`)
