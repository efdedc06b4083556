import { readPythonProject, type PythonProject } from '../python-project.ts'
import type { Pipeline, PlannedStep } from '../types.ts'

/** In the workspace: what is installed there is of this build alone. */
const venv = '.venv'
/** Not in the workspace: what a build makes there is its own. */
const report = 'pytest.xml'
const python = `${venv}/bin/python`
/** Tests may run by name what was installed, as in an environment that is activated. */
const activated = `PATH="$PWD/${venv}/bin:$PATH" ${python}`

function withPip({ installable, requirements, extra, group, tests }: PythonProject): string {
  const what = [
    ...requirements.map((file) => `-r ${file}`),
    ...(installable ? [`-e '.${extra ? `[${extra}]` : ''}'`] : []),
    ...(group ? [`--group ${group}`] : []),
    ...(tests === 'pytest' ? ['pytest'] : []),
  ]
  return [
    `python3 -m venv ${venv}`,
    // groups are known to pip since 25.1
    ...(group ? [`${python} -m pip install --quiet --upgrade 'pip>=25.1'`] : []),
    ...(what.length ? [`${python} -m pip install --quiet ${what.join(' ')}`] : []),
  ].join('\n')
}

const withUv = ({ extra, group }: PythonProject): string =>
  ['uv sync --locked', ...(extra ? [`--extra ${extra}`] : []), ...(group ? [`--group ${group}`] : [])].join(' ')

export default {
  name: 'python',
  looksFor: 'pyproject.toml, requirements.txt or setup.py',
  async detect(workspace) {
    for (const name of ['pyproject.toml', 'requirements.txt', 'setup.py']) if (await workspace.has(name)) return true
    return false
  },
  async steps({ workspace, has }) {
    const project = await readPythonProject(workspace)
    const uv = has('uv') && (await workspace.has('uv.lock'))
    const step = (name: string, run: string, tool = uv ? 'uv' : 'python3'): PlannedStep => ({
      name,
      run,
      ...(!has(tool) && { skip: `${tool} is not installed` }),
    })
    const { tests, testFolder } = project
    const pytest = `${uv ? 'uv run --no-sync --with pytest pytest' : `${activated} -m pytest`} --junitxml="\${TMPDIR:-/tmp}/${report}"`
    const unittest = `${uv ? 'uv run --no-sync python' : activated} -m unittest discover${testFolder ? ` -s ${testFolder}` : ''}`
    // settings may say that ruff mends what it finds, and then it is content
    const ruff = { ...step('lint', 'ruff check --no-fix .', 'ruff'), independent: true as const }
    const reported = tests === 'pytest' && { tmpReports: [report] }
    return [
      step('install', uv ? withUv(project) : withPip(project)),
      ...(project.ruff ? [ruff] : []),
      ...(tests ? [{ ...step('test', tests === 'pytest' ? pytest : unittest), ...reported, independent: true as const }] : []),
    ]
  },
} satisfies Pipeline
