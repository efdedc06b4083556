/** Reads `.raibid.yaml`: how a repository wants to be built. Its mistakes are reported all at once, by line and key. */
import type { CacheSpec } from '#lib/cache/spec.ts'
import { pipelineFile } from '#lib/contract.ts'
import { notForBranch } from './branches.ts'
import { PipelineError, problemText, type PlannedStep } from './types.ts'
import { openWorkspace } from './workspace.ts'

export interface RaibidFile {
  /** Bound on all steps together, ms; 0: none given. */
  timeoutMs: number
  env: Record<string, string>
  /** Names of the secrets that it needs. */
  secrets: string[]
  /** Patterns of files that the job keeps, and of its tests' reports. */
  artifacts: string[]
  reports: string[]
  caches: CacheSpec[]
  steps: PlannedStep[]
}

const maxBytes = 256 * 1024

/** The file's content, as it is for this branch; null when the repository has none. Throws PipelineError, one problem per line. */
export async function readRaibidFile(workspace: string, branch = ''): Promise<RaibidFile | null> {
  const text = await openWorkspace(workspace).read(pipelineFile, maxBytes)
  return text === null ? null : parseRaibidFile(text, branch)
}

/** Checks the text of a `.raibid.yaml`. Throws PipelineError, one problem per line: `.raibid.yaml:7: steps[1].timeout: …`. */
export async function parseRaibidFile(text: string, branch = ''): Promise<RaibidFile> {
  if (text.length > maxBytes)
    throw new PipelineError(`${pipelineFile}: is ${text.length} characters long; at most ${maxBytes} are allowed`)
  // Only repositories with such a file pay for yaml.
  const [{ checkText }, { raibidKeys }] = await Promise.all([import('./yaml-check.ts'), import('./keys.ts')])
  const { value, problems } = checkText(text, raibidKeys)
  if (!value) {
    const error = new PipelineError(problems.map((problem) => problemText(pipelineFile, problem)).join('\n'))
    throw Object.assign(error, { problems })
  }
  const { timeout: timeoutMs = 0, env = {}, secrets = [], artifacts = [], reports = [], cache: caches = [] } = value
  const steps = value.steps.map((step) => planned(step, branch))
  return { timeoutMs, env, secrets: [...new Set(secrets)], artifacts, reports, caches, steps }
}

type Written = { name?: string; run: string; timeout?: number; branches?: string[]; independent?: boolean }

function planned({ name, run, timeout, branches, independent }: Written, branch: string): PlannedStep {
  const firstLine = run.trim().split('\n')[0]!.trim()
  const short = [...firstLine].length > 60 ? `${[...firstLine].slice(0, 59).join('')}…` : firstLine
  const skip = notForBranch(branches, branch)
  return {
    name: name ?? short,
    run,
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(independent && { independent }),
    ...(skip && { skip, elsewhere: true }),
  }
}

/** What is told when a job comes without a secret that its repository needs; undefined when it has all of them. */
export function missingSecrets(needed: string[], given: string[]): string | undefined {
  const missing = needed.filter((name) => !given.includes(name))
  if (missing.length === 0) return undefined
  const [what, them] = missing.length === 1 ? ['the secret', 'it'] : ['the secrets', 'them']
  const flags = missing.map((name) => `--secret ${name}`).join(' ')
  return (
    `${pipelineFile} needs ${what} ${missing.join(', ')}, which this job was not given: ` +
    `set ${them} in your environment and enqueue with ${flags}`
  )
}
