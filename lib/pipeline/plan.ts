/** Decides what is run in a workspace: by its `.raibid.yaml`, else by a `ci` recipe in its justfile, else by the languages that recognize it. */
import { readdir } from 'node:fs/promises'
import { pipelineFile } from '#lib/contract.ts'
import { readRaibidFile, type RaibidFile } from './file.ts'
import { hasTool } from './find-tool.ts'
import { ciRecipe } from './justfile.ts'
import { PipelineError, type ImageUse, type Pipeline, type PlannedStep } from './types.ts'
import { openWorkspace } from './workspace.ts'

export { missingSecrets } from './file.ts'

/** What `.raibid.yaml` would say, whoever decided it. */
export interface Plan extends RaibidFile {
  /** Names of the pipelines; `raibid` for the repository's own file. */
  pipeline: string
}

export interface PlanOptions {
  /** The cloned repository's folder. */
  workspace: string
  /** `auto`, `raibid` or the name of a pipeline. */
  pipeline: string
  /** The branch that is built; empty: none. */
  branch?: string
  /** The steps' environment: its PATH says which tools there are. */
  env: Record<string, string>
  /** What an image may be built for; default: for this machine. */
  image?: ImageUse
}

const onlyHere: ImageUse = { registry: false, push: false }
const own = 'raibid'
const folder = new URL('languages/', import.meta.url)

/** Every file of the folder is a pipeline by its default export: adding one is enough. */
async function loadLanguages(): Promise<Pipeline[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort()
  const modules = await Promise.all(names.map((name) => import(new URL(name, folder).href) as Promise<{ default: Pipeline }>))
  return modules.map((module) => module.default).sort((a, b) => Number(a.last ?? false) - Number(b.last ?? false))
}

/** Throws PipelineError: a mistake in `.raibid.yaml`, an unknown pipeline, or nothing that says how to build. */
export async function planSteps({ workspace: path, pipeline, branch, env, image = onlyHere }: PlanOptions): Promise<Plan> {
  if (pipeline === 'auto' || pipeline === own) {
    const file = await readRaibidFile(path, branch)
    if (file) return { pipeline: own, ...file }
    if (pipeline === own)
      throw new PipelineError(`There is no ${pipelineFile} in the repository, which the pipeline "${own}" needs.`)
  }
  const workspace = openWorkspace(path)
  const known = [ciRecipe, ...(await loadLanguages())]
  const wanted = pipeline === 'auto' ? known : known.filter((one) => one.name === pipeline)
  if (wanted.length === 0) {
    const names = ['auto', own, ...known.map((one) => one.name)].join(', ')
    throw new PipelineError(`There is no pipeline ${JSON.stringify(pipeline)}: the known ones are ${names}.`)
  }
  const applying: Pipeline[] = []
  for (const one of wanted) {
    if (await one.detect(workspace)) applying.push(one)
    // the repository's own word: no language is asked
    if (applying[0] === ciRecipe) break
  }
  if (applying.length === 0) {
    const files = wanted.map((one) => `${one.looksFor} (${one.name})`)
    const all = (pipeline === 'auto' ? [pipelineFile, ...files] : files).join(', ')
    throw new PipelineError(`Nothing in the repository says how to build it: looked for ${all}.`)
  }

  const context = { workspace, has: (tool: string): boolean => hasTool(tool, env), image }
  const prefix = (one: Pipeline): string => (applying.length > 1 ? `${one.name}: ` : '')
  const steps: PlannedStep[] = []
  for (const one of applying)
    steps.push(...(await one.steps(context)).map((step) => ({ ...step, name: prefix(one) + step.name })))
  const caches = (await Promise.all(applying.map(async (one) => (await one.caches?.(workspace)) ?? []))).flat()
  return {
    pipeline: applying.map((one) => one.name).join('+'),
    steps,
    timeoutMs: 0,
    env: {},
    secrets: [],
    artifacts: [],
    reports: [],
    caches,
  }
}
