/** Reads `.raibid.yaml`: how a repository wants to be built. Its mistakes are reported all at once, by line and key. */
import { pipelineFile } from '#lib/contract.ts'
import { PipelineError, type PlannedStep } from './pipelines/types.ts'
import { openWorkspace } from './workspace.ts'

export interface RaibidFile {
  /** Bound on all steps together, ms; 0: none given. */
  timeoutMs: number
  env: Record<string, string>
  steps: PlannedStep[]
}

const maxBytes = 256 * 1024

/** The file's content; null when the repository has none. Throws PipelineError, one problem per line. */
export async function readRaibidFile(workspace: string): Promise<RaibidFile | null> {
  const text = await openWorkspace(workspace).read(pipelineFile, maxBytes)
  return text === null ? null : parseRaibidFile(text)
}

/** Checks the text of a `.raibid.yaml`. Throws PipelineError, one problem per line: `.raibid.yaml:7: steps[1].timeout: …`. */
export async function parseRaibidFile(text: string): Promise<RaibidFile> {
  if (text.length > maxBytes)
    throw new PipelineError(`${pipelineFile}: is ${text.length} characters long; at most ${maxBytes} are allowed`)
  // Only repositories with such a file pay for yaml.
  const [{ checkText }, { raibidKeys }] = await Promise.all([import('./yaml-check.ts'), import('./raibid-keys.ts')])
  const { value, problems } = checkText(text, pipelineFile, raibidKeys)
  if (!value) throw new PipelineError(problems.join('\n'))
  return { timeoutMs: value.timeout ?? 0, env: value.env ?? {}, steps: value.steps.map(planned) }
}

function planned({ name, run, timeout }: { name?: string; run: string; timeout?: number }): PlannedStep {
  const firstLine = run.trim().split('\n')[0]!.trim()
  const short = [...firstLine].length > 60 ? `${[...firstLine].slice(0, 59).join('')}…` : firstLine
  return { name: name ?? short, run, ...(timeout !== undefined && { timeoutMs: timeout }) }
}
