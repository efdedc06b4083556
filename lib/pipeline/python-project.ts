/** What a Python repository's files say of its dependencies and tests, as far as a build needs to know. */
import type { Workspace } from './types.ts'

export interface PythonProject {
  /** It can be installed itself, not only its requirements. */
  installable: boolean
  /** Its files of requirements, those for tests among them. */
  requirements: string[]
  /** The extra (`[project.optional-dependencies]`) and the group (`[dependency-groups]`) with what its tests need. */
  extra: string | undefined
  group: string | undefined
  /** Its tests are run by this; null: there are none. */
  tests: 'pytest' | 'unittest' | null
  /** Where unittest looks for them; empty: everywhere. */
  testFolder: string
  /** It has settings for ruff. */
  ruff: boolean
}

/** Names that people give to what tests need, the best first. */
const forTests = ['test', 'tests', 'testing', 'dev']
const requirementFiles = ['', '-test', '-tests', '-dev'].map((kind) => `requirements${kind}.txt`)
const testFile = /^test.*\.py$|_test\.py$/

/** Reads the top folder's files and the names in its test folder; nothing is run, no symlink followed. */
export async function readPythonProject(workspace: Workspace): Promise<PythonProject> {
  const names = await workspace.list()
  const there = new Set(names)
  const texts = new Map<string, string>()
  const requirements = requirementFiles.filter((name) => there.has(name))
  const told = ['pyproject.toml', 'setup.py', 'setup.cfg', 'tox.ini', ...requirements]
  for (const name of told) if (there.has(name)) texts.set(name, ((await workspace.read(name)) ?? '').replace(/^\s*#.*$/gm, ''))

  const toml = texts.get('pyproject.toml') ?? ''
  const folder = ['tests', 'test'].find((name) => there.has(name))
  const inFolder = folder ? await workspace.list(folder) : []
  const tested = [...names, ...inFolder].some((name) => testFile.test(name)) || inFolder.includes('__init__.py')
  const configured =
    ['pytest.ini', '.pytest.ini', 'conftest.py'].some((name) => there.has(name)) || inFolder.includes('conftest.py')
  const pytest = configured || [...texts.values()].some((text) => /\bpytest\b/.test(text))
  return {
    installable: there.has('setup.py') || section(toml, 'project') !== '' || section(toml, 'build-system') !== '',
    requirements,
    extra:
      firstKey(section(toml, 'project.optional-dependencies')) ?? firstKey(section(toml, 'project'), 'optional-dependencies.'),
    group: firstKey(section(toml, 'dependency-groups')),
    tests: pytest ? 'pytest' : tested ? 'unittest' : null,
    // a folder that is no package is not found from the top
    testFolder: folder && !inFolder.includes('__init__.py') && inFolder.some((name) => testFile.test(name)) ? folder : '',
    ruff: there.has('ruff.toml') || there.has('.ruff.toml') || /^\s*\[tool\.ruff\b/m.test(toml),
  }
}

/** The lines of one table of a TOML file; empty when it has none. */
function section(toml: string, name: string): string {
  const lines = toml.split(/\r?\n/)
  const begin = lines.findIndex((line) => line.replace(/[\s"]|#.*/g, '') === `[${name}]`)
  if (begin < 0) return ''
  // a line of an array begins with a bracket, too, but no table's name is quoted, a comma or empty there
  const end = lines.findIndex((line, at) => at > begin && /^\s*\[\[?[\w."-]+\]?\]\s*(?:#.*)?$/.test(line))
  return lines.slice(begin, end < 0 ? undefined : end).join('\n')
}

/** `before`: how the name begins where the table above it holds it, as in `optional-dependencies.tests = […]`. */
const firstKey = (table: string, before = ''): string | undefined =>
  forTests.find((name) => new RegExp(`^[ \\t]*${before}"?${name}"?[ \\t]*=`, 'm').test(table))
