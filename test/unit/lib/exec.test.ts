import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { $, mask, mutate } from '#lib/exec.ts'

const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
afterEach(() => said.mockClear())
const story = () => said.mock.calls.map(([text]) => String(text)).join('')
const fresh = () => join(mkdtempSync(join(tmpdir(), 'exec-')), "it's")

test('a dry run says the command and changes nothing', async () => {
  const file = fresh()
  expect(await mutate({ dryRun: true })`touch ${file}`).toBeNull()
  expect(existsSync(file)).toBe(false)
  expect(story()).toContain('[dry-run] touch')
})

test('a real one says it, runs it, and hides secrets in what it says', async () => {
  const file = fresh()
  const output = await mutate({ secrets: ['hush'] })`touch ${file} && echo hush`
  expect([existsSync(file), output?.stdout]).toEqual([true, 'hush\n'])
  expect(story()).toContain('echo ***')
  expect(story()).not.toContain('hush')
})

test('$ is quiet', async () => {
  expect((await $`echo ${'$(id)'}`).stdout).toBe('$(id)\n')
  expect(story()).toBe('')
})

test('mask hides the longer of two secrets that overlap', () => {
  expect(mask('x hushhush y', ['hush', 'hushhush', ''])).toBe('x *** y')
})
