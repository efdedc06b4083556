import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '#lib/config.ts'
import { runTask } from '#test/helpers/run-process.ts'

describe('every task, as a process', () => {
  test.concurrent.each(globSync('tasks/**/*.ts', { cwd: root }))('%s --help', async (file) => {
    const { code, stdout, stderr } = await runTask(file, ['--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`Usage: just ${basename(file, '.ts')}`)
  })

  test.concurrent.each(globSync('tasks/**/*.ts', { cwd: root }))('%s --nonsense is exit 2', async (file) => {
    const { code, stdout, stderr } = await runTask(file, ['--nonsense'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('unknown flag --nonsense')
  })
})
