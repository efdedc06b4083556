import { PipelineError, type Pipeline, type PlannedStep, type Workspace } from '../types.ts'

/** What npm init writes where there are no tests. */
const placeholder = /^echo "Error: no test specified" && exit 1$/

interface Manager {
  tool: string
  install: string
}

async function managerOf(workspace: Workspace): Promise<Manager> {
  if (await workspace.has('pnpm-lock.yaml')) return { tool: 'pnpm', install: 'pnpm install --frozen-lockfile' }
  if (await workspace.has('yarn.lock')) {
    const modern = await workspace.has('.yarnrc.yml')
    return { tool: 'yarn', install: `yarn install ${modern ? '--immutable' : '--frozen-lockfile'}` }
  }
  const locked = (await workspace.has('package-lock.json')) || (await workspace.has('npm-shrinkwrap.json'))
  return { tool: 'npm', install: `npm ${locked ? 'ci' : 'install'} --no-audit --no-fund` }
}

async function scriptsOf(workspace: Workspace): Promise<Record<string, unknown>> {
  const text = (await workspace.read('package.json')) ?? '{}'
  let content: unknown
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw new PipelineError('package.json: is not valid JSON')
  }
  const scripts = (content as { scripts?: unknown } | null)?.scripts
  return typeof scripts === 'object' && scripts !== null ? { ...scripts } : {}
}

export default {
  name: 'node',
  looksFor: 'package.json',
  detect: (workspace) => workspace.has('package.json'),
  async steps({ workspace, has }) {
    const [{ tool, install }, scripts] = [await managerOf(workspace), await scriptsOf(workspace)]
    const missing = ['node', tool].find((one) => !has(one))
    const step = (name: string, run: string): PlannedStep => ({
      name,
      run,
      ...(missing && { skip: `${missing} is not installed` }),
    })
    const exists = (name: string): boolean => {
      const script = scripts[name]
      return typeof script === 'string' && script.trim() !== '' && !placeholder.test(script.trim())
    }
    const script = (name: string): PlannedStep => ({
      ...step(name, `${tool} run ${name}`),
      // tests often run what was built
      ...(name !== 'build' && { independent: true }),
    })
    return [step('ci', install), ...['build', 'lint', 'test'].filter(exists).map(script)]
  },
} satisfies Pipeline
