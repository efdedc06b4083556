import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { files } from '#lib/contract.ts'
import { changeSettings, poolLimits } from '#lib/pool/settings.ts'

const given = { max: 2, warm: 1 }
const aHome = (): string => mkdtempSync(join(tmpdir(), 'raibid-settings-'))

test.each(['', '{', 'null', '5', '[]', '{}', '"many"', '0', '-3', '2.5', 'true'])(
  'a file of settings that says %j says nothing, and the next change mends it',
  (text) => {
    const home = aHome()
    changeSettings(home, 'default', { max: 7, paused: 'because' })
    const folder = join(home, files.pools)
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), text)
    const { max, paused } = poolLimits(home, 'default', given)
    expect([Number.isSafeInteger(max) && max > 0, paused === null || typeof paused === 'string']).toEqual([true, true])
    expect(changeSettings(home, 'default', { max: 3, paused: undefined })).toBe(true)
    expect(poolLimits(home, 'default', given)).toEqual({ max: 3, warm: 1, paused: null })
  },
)

test('a pool is scaled and paused at one moment by two who have read the same', () => {
  const home = aHome()
  changeSettings(home, 'default', { max: 3 })
  const [scaled] = readdirSync(join(home, files.pools)).map((name) => join(home, files.pools, name))
  changeSettings(home, 'default', { paused: 'because' })
  // what a `scale` that began before the `pause` writes
  writeFileSync(scaled!, '4')
  expect(poolLimits(home, 'default', given)).toEqual({ max: 4, warm: 1, paused: 'because' })
})

test('a change to what is so already is none', () => {
  const home = aHome()
  expect(changeSettings(home, 'default', { paused: undefined })).toBe(false)
  expect(changeSettings(home, 'default', { paused: 'because' })).toBe(true)
  expect(changeSettings(home, 'default', { paused: 'because' })).toBe(false)
  expect(changeSettings(home, 'default', { paused: undefined })).toBe(true)
  mkdirSync(join(home, files.pools), { recursive: true })
  expect(readdirSync(join(home, files.pools))).toEqual([])
})
