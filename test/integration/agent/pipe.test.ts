import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#lib/config.ts'

test('an agent that leaves while a pipe is being made leaves nothing of it behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leaving-'))
  const script = `
    const { preparePipe } = await import(${JSON.stringify(join(root, 'agent/pipe.ts'))})
    const { readdirSync } = await import('node:fs')
    preparePipe()
    const leave = () => (readdirSync(process.env.TMPDIR).length > 0 ? process.exit(0) : setImmediate(leave))
    leave()`
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, TMPDIR: folder } })
  expect(readdirSync(folder)).toEqual([])
})
