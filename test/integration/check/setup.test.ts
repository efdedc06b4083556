import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect } from 'vitest'
import { root } from '#lib/config.ts'
import { needs } from '#test/helpers/needs.ts'
import { runProcess } from '#test/helpers/run-process.ts'

/** A project of which only the lock file is there, and an npm that notes how it was called. */
let project: string
const script = (name: string, text: string) => writeFileSync(join(project, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
const setup = (path = `${join(project, 'bin')}:${process.env['PATH']}`) =>
  runProcess('/bin/sh', [join(project, 'tasks/check/setup.sh')], { cwd: '/', env: { PATH: path } })
const calls = () => readFileSync(join(project, 'calls'), 'utf8').trim().split('\n')

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'setup-'))
  mkdirSync(join(project, 'bin'))
  cpSync(join(root, 'tasks/check/setup.sh'), join(project, 'tasks/check/setup.sh'))
  writeFileSync(join(project, 'package-lock.json'), '{ "one": 1 }')
  script(
    'npm',
    `echo "$@" >> calls; sleep 0.2; mkdir -p node_modules/.bin; : > node_modules/.bin/vitest; : > node_modules/.package-lock.json`,
  )
})

needs('redis-server', 'git').describe('just setup', () => {
  const { test } = needs('flock')

  test('installs once, then again only when the lock file changes', async () => {
    expect(await setup()).toMatchObject({ code: 0, stderr: '▸ Installing npm packages: npm ci\n✓ All is there.\n' })
    expect(await setup()).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    writeFileSync(join(project, 'package-lock.json'), '{ "two": 2 }')
    expect((await setup()).code).toBe(0)
    expect(calls()).toHaveLength(2)
  })

  test('two at once install once', async () => {
    const both = await Promise.all([setup(), setup()])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(calls()).toHaveLength(1)
  })

  test('an npm that fails is exit 1, says what to do, and is tried again', async () => {
    script('npm', 'echo broken >&2; exit 7')
    expect(await setup()).toMatchObject({ code: 1, stderr: expect.stringContaining('By hand: run npm ci') as string })
    expect((await setup()).stderr).toContain('Installing npm packages')
  })

  test('a Redis that is too old, and cannot be replaced, is named', async () => {
    for (const name of ['apt-get', 'dnf', 'apk', 'pacman', 'brew']) script(name, 'exit 1')
    script('redis-server', 'echo "Redis server v=6.2.1 sha=0"')
    const { code, stderr } = await setup()
    expect(code).toBe(1)
    expect(stderr).toContain('apt-get install')
    expect(stderr).toContain('By hand:')
  })
})
