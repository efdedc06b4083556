import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seal, secretKey, unseal } from '#lib/seal.ts'
import { sealedFor } from '#lib/server/hooks/deliver.ts'

const hex = '0f'.repeat(32)
const home = () => mkdtempSync(join(tmpdir(), 'seal-'))

test.each([hex, `${hex}\n`, ` ${hex.toUpperCase()}\r\n`])('the key of the environment, however it was put there: %j', (given) => {
  expect(secretKey(home(), false, given).toString('hex')).toBe(hex)
})

test.each([undefined, '', '\n'])('with %j there, the file is the key', (given) => {
  const folder = home()
  expect(() => secretKey(folder, false, given)).toThrow('there is no key')
  writeFileSync(join(folder, 'secret.key'), `${hex}\n`)
  expect(secretKey(folder, false, given).toString('hex')).toBe(hex)
})

test('what is no key is refused by the name of where it stands, and not repeated', () => {
  expect(() => secretKey(home(), false, 'hush')).toThrow(/^RAIBID_SECRET_KEY does not hold a key: 64 hex digits are expected$/)
})

test('opens for its job and its key alone', () => {
  const key = Buffer.from(hex, 'hex')
  const sealed = seal({ TOKEN: 'x' }, key, 'one')
  expect(unseal(sealed, key, 'one')).toEqual({ TOKEN: 'x' })
  expect(() => unseal(sealed, key, 'two')).toThrow("can't be opened")
  expect(() => unseal(sealed, Buffer.alloc(32), 'one')).toThrow("can't be opened")
})

test('what is delivered to a cluster is sealed with its key, unless the environment names one', () => {
  const folder = home()
  const open = (env: NodeJS.ProcessEnv, key: string) => {
    const { sealed, missing } = sealedFor({ env, home: folder, key: hex }, { secrets: ['A', 'B'] }, 'job')
    return [unseal(sealed!, Buffer.from(key, 'hex'), 'job'), missing]
  }
  expect(open({ A: 'x', RAIBID_SECRET_KEY: '' }, hex)).toEqual([{ A: 'x' }, ['B']])
  expect(open({ A: 'x', RAIBID_SECRET_KEY: 'ab'.repeat(32) }, 'ab'.repeat(32))).toEqual([{ A: 'x' }, ['B']])
})
