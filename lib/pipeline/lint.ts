/** What `just lint` tells of a repository, or of a `.raibid.yaml` alone: its mistakes, or what would be run. */
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipelineFile } from '#lib/contract.ts'
import { messageOf, UsageError } from '#lib/errors.ts'
import { gitWith } from '#lib/git.ts'
import { parseRaibidFile } from './file.ts'
import { planSteps, type Plan } from './plan.ts'
import { PipelineError, problemText, type Problem } from './types.ts'

export interface Linted {
  /** The file in which the problems are; for a folder without one, the folder. */
  file: string
  problems: Problem[]
  /** Null when there are problems. */
  plan: Plan | null
  branch: string
}

/** `branch`: default: the one that is checked out. Throws UsageError when there is nothing at `path`. */
export async function lint(path: string, branch: string | undefined, env: Record<string, string>): Promise<Linted> {
  const there = await stat(path).catch((error: unknown) => Promise.reject(new UsageError(`${path}: ${reason(error)}`)))
  const folder = there.isDirectory()
  const file = folder ? join(path, pipelineFile) : path
  const on = branch ?? (await checkedOut(folder ? path : join(path, '..')))
  try {
    const plan = folder
      ? await planSteps({ workspace: path, pipeline: 'auto', branch: on, env })
      : { pipeline: 'raibid', ...(await parseRaibidFile(await readWhole(path), on)) }
    return { file, problems: [], plan, branch: on }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    const [named] = error.message.split('\n')
    const problems = error.problems.length ? error.problems : [{ line: null, key: '', text: named! }]
    return { file, problems, plan: null, branch: on }
  }
}

/** A problem as an editor and a person find it. */
export const shownProblem = ({ file }: Linted, problem: Problem): string => problemText(file, problem)

const checkedOut = (folder: string): Promise<string> =>
  gitWith([], folder)('symbolic-ref', '--quiet', '--short', 'HEAD').catch(() => '')

async function readWhole(path: string): Promise<string> {
  // NONBLOCK: or a FIFO would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) =>
    Promise.reject(new UsageError(`${path}: ${reason(error)}`)),
  )
  try {
    if (!(await file.stat()).isFile()) throw new UsageError(`${path}: is neither a folder nor a regular file`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file or folder'
  return `can't be read: ${messageOf(error)}`
}
