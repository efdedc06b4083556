import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runTask, type Result } from '#test/helpers/run-process.ts'
import { createRepo, tmpFolder, type Files } from '#test/helpers/tmp-repo.ts'

const lint = (...args: string[]): Promise<Result> => runTask('tasks/jobs/lint.ts', args)
function folder(files: Files): string {
  const { path, remove } = tmpFolder(files)
  onTestFinished(remove)
  return path
}

test('every mistake by file, line and key: exit 1', async () => {
  const path = folder({ '.raibid.yaml': 'timeout: ten\nsteps:\n  - run: 5\n' })
  const { code, stdout } = await lint(path)
  const file = join(path, '.raibid.yaml')
  expect([code, stdout]).toEqual([1, `${file}:1: timeout: "ten" is not a duration\n${file}:3: steps[0].run: 5 is not a text\n`])
  expect((await lint(file)).stdout).toBe(stdout)
  const json = await lint(path, '--json')
  expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
    1,
    { file, pipeline: null, problems: [{ line: 1, key: 'timeout', text: '"ten" is not a duration' }, { line: 3 }] },
  ])
})

test('what would be run, and what not on this branch', async () => {
  const text = 'secrets: [TOKEN]\nsteps:\n  - run: make\n  - { name: deploy, run: ./deploy, branches: [main] }\n'
  const { path } = createRepo({ files: { '.raibid.yaml': text } })
  const here = await lint(path)
  expect(here.code).toBe(0)
  expect(here.stdout).toMatch(/^make +run +make\ndeploy +run +\.\/deploy$/m)
  expect(here.stderr).toMatch(/pipeline raibid on main[^]*--secret TOKEN[^]*2 of 2 steps would be run/)
  const other = await lint(path, '--branch', 'topic', '--json')
  expect(JSON.parse(other.stdout)).toMatchObject({
    ...{ branch: 'topic', pipeline: 'raibid', problems: [], secrets: ['TOKEN'] },
    steps: [{ skip: null }, { name: 'deploy', skip: 'only on main; this is topic' }],
  })
})

test('a folder that nothing says how to build: exit 1; nothing there, or a wrong flag: exit 2', async () => {
  const nothing = await lint(folder({}))
  expect([nothing.code, nothing.stdout]).toMatchObject([
    1,
    expect.stringMatching(/^Nothing in the repository says how to build it/),
  ])
  const path = folder({})
  mkdirSync(join(path, 'x'))
  expect(await lint(join(path, 'none'))).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/there is no such file or folder/),
  })
  expect((await lint('--bogus')).code).toBe(2)
  expect((await lint('--schema', path)).code).toBe(2)
})

test('the schema, for editors', async () => {
  const { code, stdout } = await lint('--schema')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    required: ['steps'],
    additionalProperties: false,
    properties: { steps: { items: { required: ['run'], properties: { branches: { type: 'array' } } } } },
  })
})
