import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atLeast } from '#lib/doctor-finding.ts'
import { node, packages } from '#lib/doctor.ts'

test.each([
  ['git version 2.39.5', [2, 30], true],
  ['git version 2.29.9', [2, 30], false],
  ['git version 3.0', [2, 30], true],
  ['Redis server v=6.2.7 sha=0', [7, 0], false],
  ['nonsense', [1, 0], false],
] as const)('%s against %j: %s', (text, wanted, expected) => {
  expect(atLeast(text, wanted)).toBe(expected)
})

test('an old node is a failure with a way out', () => {
  expect(node('20.20.2')).toMatchObject({ state: 'fail', mend: expect.stringContaining('just setup') as string })
  expect(node('24.1.0').state).toBe('ok')
})

test('packages that are missing or out of step with the lock file', () => {
  const root = mkdtempSync(join(tmpdir(), 'doctor-'))
  writeFileSync(join(root, 'package-lock.json'), '1')
  expect(packages(root)).toMatchObject({ state: 'fail', found: 'not installed by just setup' })
  mkdirSync(join(root, 'node_modules'))
  writeFileSync(join(root, 'node_modules/.raibid-lock'), '0')
  expect(packages(root)).toMatchObject({ state: 'fail', found: 'not those of package-lock.json' })
  writeFileSync(join(root, 'node_modules/.raibid-lock'), '1')
  expect(packages(root).state).toBe('ok')
})
