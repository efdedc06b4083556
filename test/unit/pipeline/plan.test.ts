import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findTool, hasTool } from '#lib/pipeline/find-tool.ts'
import { planSteps, type Plan } from '#lib/pipeline/plan.ts'
import { tmpFolder, type Files } from '#test/helpers/tmp-repo.ts'

const tool = { text: '#!/bin/sh\n', mode: 0o755 }
const tools = (...names: string[]): Files => Object.fromEntries(names.map((name) => [`bin/${name}`, tool]))
const allTools = tools(
  'cargo',
  'cargo-clippy',
  'cargo-nextest',
  'cargo-audit',
  'node',
  'npm',
  'pnpm',
  'yarn',
  'go',
  'python3',
  'ruff',
)
const venv = 'python3 -m venv .venv'
const pip = '.venv/bin/python -m pip install --quiet'

function plan(files: Files, installed: Files = allTools, pipeline = 'auto'): Promise<Plan> {
  const [workspace, machine] = [tmpFolder(files), tmpFolder(installed)]
  onTestFinished(workspace.remove)
  onTestFinished(machine.remove)
  return planSteps({ workspace: workspace.path, pipeline, env: { PATH: join(machine.path, 'bin'), HOME: machine.path } })
}
const lines = ({ steps }: Plan): string[] => steps.map(({ name, run, skip }) => `${name}: ${skip ? `(${skip})` : run}`)
const packageJson = (scripts: Record<string, string> = {}): string => JSON.stringify({ scripts })

test.for<[string, Files, Files, string[]]>([
  [
    'rust, everything installed, locked',
    { 'Cargo.toml': '', 'Cargo.lock': '' },
    allTools,
    [
      'check: cargo check --workspace --locked',
      'clippy: cargo clippy --workspace --locked',
      'build: cargo build --workspace --release --locked',
      'test: NEXTEST_NO_TESTS=pass cargo nextest run --workspace --locked',
      'audit: cargo audit',
    ],
  ],
  [
    'rust, only cargo, no lock',
    { 'Cargo.toml': '' },
    tools('cargo'),
    [
      'check: cargo check --workspace',
      'clippy: (cargo-clippy is not installed)',
      'build: cargo build --workspace --release',
      'test: cargo test --workspace',
      'audit: (cargo-audit is not installed)',
    ],
  ],
  [
    'rust, no cargo',
    { 'Cargo.toml': '' },
    {},
    ['check', 'clippy', 'build', 'test', 'audit'].map((name) => `${name}: (cargo is not installed)`),
  ],
  [
    'node, locked, all scripts',
    { 'package.json': packageJson({ test: 'vitest', lint: 'eslint', build: 'tsc', start: 'x' }), 'package-lock.json': '{}' },
    allTools,
    ['ci: npm ci --no-audit --no-fund', 'build: npm run build', 'lint: npm run lint', 'test: npm run test'],
  ],
  [
    'node, shrinkwrap, the test of npm init',
    { 'package.json': packageJson({ test: 'echo "Error: no test specified" && exit 1' }), 'npm-shrinkwrap.json': '{}' },
    allTools,
    ['ci: npm ci --no-audit --no-fund'],
  ],
  ['node, no lock', { 'package.json': '{}' }, allTools, ['ci: npm install --no-audit --no-fund']],
  [
    'pnpm',
    { 'package.json': packageJson({ test: 'x' }), 'pnpm-lock.yaml': '' },
    allTools,
    ['ci: pnpm install --frozen-lockfile', 'test: pnpm run test'],
  ],
  ['yarn 1', { 'package.json': '{}', 'yarn.lock': '' }, allTools, ['ci: yarn install --frozen-lockfile']],
  ['yarn 4', { 'package.json': '{}', 'yarn.lock': '', '.yarnrc.yml': '' }, allTools, ['ci: yarn install --immutable']],
  ['no yarn', { 'package.json': '{}', 'yarn.lock': '' }, tools('node', 'npm'), ['ci: (yarn is not installed)']],
  ['go', { 'go.mod': '' }, allTools, ['vet: go vet ./...', 'build: go build ./...', 'test: go test ./...']],
  ['no go', { 'go.mod': '' }, {}, ['vet', 'build', 'test'].map((name) => `${name}: (go is not installed)`)],
  [
    'python, requirements and unittest',
    { 'requirements.txt': '', 'requirements-dev.txt': '', 'tests/test_a.py': '' },
    allTools,
    [
      `install: ${venv}\n${pip} -r requirements.txt -r requirements-dev.txt`,
      'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m unittest discover -s tests',
    ],
  ],
  [
    'python, a project with an extra for its tests, and ruff',
    {
      'pyproject.toml':
        '[project]\nname = "x"\n[project.optional-dependencies]\ndocs = [\n  "sphinx",\n]\ntests = ["pytest"]\n[tool.ruff.lint]\nselect = []\n',
      'tests/__init__.py': '',
    },
    allTools,
    [
      `install: ${venv}\n${pip} -e '.[tests]' pytest`,
      'lint: ruff check --no-fix .',
      'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest --junitxml="${TMPDIR:-/tmp}/pytest.xml"',
    ],
  ],
  [
    'python, a group for its tests; ruff is not there',
    { 'pyproject.toml': '[build-system]\n[dependency-groups]\ndev = []\ntest = ["pytest"]\n[tool.ruff]\n', 'test/test_a.py': '' },
    tools('python3'),
    [
      `install: ${venv}\n${pip} --upgrade 'pip>=25.1'\n${pip} -e '.' --group test pytest`,
      'lint: (ruff is not installed)',
      'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest --junitxml="${TMPDIR:-/tmp}/pytest.xml"',
    ],
  ],
  [
    'python, the extra as a dotted key',
    { 'pyproject.toml': '[project]\nname = "x"\noptional-dependencies.tests = [\n  "pytest>=9",\n]\n[tool.x]\n' },
    allTools,
    [
      `install: ${venv}\n${pip} -e '.[tests]' pytest`,
      'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest --junitxml="${TMPDIR:-/tmp}/pytest.xml"',
    ],
  ],
  ['python, setup.py, no tests', { 'setup.py': '' }, allTools, [`install: ${venv}\n${pip} -e '.'`]],
  [
    'python, only settings of a tool; a package of tests; pytest only in a comment',
    { 'pyproject.toml': '# pytest\n[tool.black]\n', 'tests/__init__.py': '' },
    allTools,
    [`install: ${venv}`, 'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m unittest discover'],
  ],
  [
    'python, locked by uv',
    { 'pyproject.toml': '[project]\n[dependency-groups]\ntests = ["pytest"]\n', 'uv.lock': '', 'conftest.py': '' },
    tools('uv'),
    [
      'install: uv sync --locked --group tests',
      'test: uv run --no-sync --with pytest pytest --junitxml="${TMPDIR:-/tmp}/pytest.xml"',
    ],
  ],
  [
    'python, locked by uv, which is not there',
    { 'pyproject.toml': '', 'uv.lock': '', 'conftest.py': '' },
    allTools,
    [
      `install: ${venv}\n${pip} pytest`,
      'test: PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest --junitxml="${TMPDIR:-/tmp}/pytest.xml"',
    ],
  ],
  [
    'no python',
    { 'setup.py': '', 'test_a.py': '' },
    {},
    ['install', 'test'].map((name) => `${name}: (python3 is not installed)`),
  ],
  [
    'two pipelines',
    { 'package.json': '{}', 'Cargo.toml': '' },
    tools('node', 'npm'),
    [
      'node: ci: npm install --no-audit --no-fund',
      ...['check', 'clippy', 'build', 'test', 'audit'].map((name) => `rust: ${name}: (cargo is not installed)`),
    ],
  ],
  [
    'its own file comes first',
    { 'Cargo.toml': '', justfile: 'ci:\n', '.raibid.yaml': 'steps: [{ run: make }]' },
    {},
    ['make: make'],
  ],
  ['then a recipe ci', { 'Cargo.toml': '', justfile: 'ci:\n  make\n' }, tools('just', 'cargo'), ['ci: just ci']],
  ['a recipe ci without just', { Justfile: 'ci:\n  make\n' }, {}, ['ci: (just is not installed)']],
  [
    'a justfile without ci',
    { justfile: 'all:\n  make\n', 'package.json': '{}' },
    allTools,
    ['ci: npm install --no-audit --no-fund'],
  ],
])('%s', async ([, files, installed, expected]) => {
  expect(lines(await plan(files, installed))).toEqual(expected)
})

test('the names of what was found', async () => {
  expect((await plan({ 'package.json': '{}', 'Cargo.toml': '' })).pipeline).toBe('node+rust')
  const own = await plan({ '.raibid.yaml': 'timeout: 5m\nenv: { A: b }\nsteps: [{ run: make }]' })
  expect(own).toMatchObject({ pipeline: 'raibid', timeoutMs: 300_000, env: { A: 'b' } })
})

test('a pipeline asked for by name outranks the file', async () => {
  const asked = await plan({ 'Cargo.toml': '', 'package.json': '{}', '.raibid.yaml': 'steps: [{ run: make }]' }, allTools, 'node')
  expect(lines(asked)).toEqual(['ci: npm install --no-audit --no-fund'])
})

test.for<[string, Files, string, RegExp]>([
  [
    'nothing',
    {},
    'auto',
    /looked for \.raibid\.yaml, a recipe ci in the justfile \(just\), .*package\.json \(node\), .*Cargo\.toml \(rust\)/,
  ],
  ['an unknown name', { 'Cargo.toml': '' }, 'rsut', /no pipeline "rsut".*auto, raibid, just, .*node, .*rust/],
  ['one that does not apply', { 'Cargo.toml': '' }, 'node', /looked for package\.json \(node\)/],
  ['no file of its own', {}, 'raibid', /no \.raibid\.yaml/],
  [
    'a package.json out of the workspace',
    { 'package.json': { link: '/etc/passwd' } },
    'auto',
    /package\.json: is a symbolic link/,
  ],
  ['a huge package.json', { 'package.json': ' '.repeat(1_048_577) }, 'auto', /package\.json: is 1048577 bytes long/],
  ['a broken package.json', { 'package.json': '{' }, 'auto', /package\.json: is not valid JSON/],
])('%s is refused', async ([, files, pipeline, message]) => {
  await expect(plan(files, {}, pipeline)).rejects.toThrow(
    expect.objectContaining({ name: 'PipelineError', message: expect.stringMatching(message) }),
  )
})

test('a tool is an executable file on an absolute PATH', () => {
  const { path, remove } = tmpFolder({ 'a/tool': 'x', 'b/tool': tool })
  onTestFinished(remove)
  mkdirSync(join(path, 'c/tool'), { recursive: true })
  expect(findTool('tool', `${path}/none:relative:${path}/a:${path}/c:${path}/b`)).toBe(`${path}/b/tool`)
  expect(findTool('tool', `${path}/a:${path}/c:`)).toBeNull()
})

test('a stand-in of rustup counts only when a toolchain has the tool', () => {
  const { path, remove } = tmpFolder({
    'bin/rustup': tool,
    'bin/cargo': { link: 'rustup' },
    'bin/cargo-clippy': { link: 'rustup' },
    '.rustup/toolchains/stable/bin/cargo': tool,
  })
  onTestFinished(remove)
  const env = { PATH: join(path, 'bin'), HOME: path }
  expect([hasTool('cargo', env), hasTool('cargo-clippy', env)]).toEqual([true, false])
})

test('a Rust repository with a Cargo.lock has its target cached; a repository with a word of its own has what it says', async () => {
  const rust = { key: ['Cargo.lock', 'rust-toolchain', 'rust-toolchain.toml'], paths: ['target'] }
  expect((await plan({ 'Cargo.toml': '', 'Cargo.lock': '' })).caches).toEqual([rust])
  expect((await plan({ 'Cargo.toml': '', 'Cargo.lock': '', 'package.json': packageJson() })).caches).toEqual([rust])
  expect((await plan({ 'Cargo.toml': '' })).caches).toEqual([])
  const own = 'cache: [{ key: [a], paths: [b/] }]\nsteps: [{ run: make }]\n'
  expect((await plan({ 'Cargo.toml': '', 'Cargo.lock': '', '.raibid.yaml': own })).caches).toEqual([{ key: ['a'], paths: ['b'] }])
})
