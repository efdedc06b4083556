import { expect, test } from 'vitest'
import { redactText } from '#lib/bootstrap/redact.ts'

test.each([
  ['redis://app:s3cr3tpass@redis:6379', 's3cr3tpass'],
  ['https://x-access-token:ghp_abcdefghijklmnop@github.com/a/b', 'ghp_abcdefghijklmnop'],
  ['Authorization: Bearer abc.def-ghi_123', 'abc.def-ghi_123'],
  ['K10' + 'ab'.repeat(32) + '::server:0123456789abcdef', '0123456789abcdef'],
  ['token ghp_ABCDEFGHIJ0123456789', 'ABCDEFGHIJ0123456789'],
  ['-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\nabc\n-----END EC PRIVATE KEY-----', 'MHcCAQ'],
  ['-----BEGIN PRIVATE KEY-----\nMHcCAQ cut', 'MHcCAQ'],
  ['client-key-data: LS0tLS1CRUdJTg==', 'LS0tLS1CRUdJTg'],
  ['GITEA__database__PASSWD=hunter22', 'hunter22'],
  ['{"password":"hunter22","a":1}', 'hunter22'],
  ['webhook-secret: 0123abcd', '0123abcd'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig-nature_1', 'eyJzdWIiOiIxMjM0In0'],
  ['AGE-SECRET-KEY-1QQPQQQQQQQQQ', '1QQPQQQQQQQQQ'],
])('%# hides what is secret', (text, secret) => {
  const shown = redactText(text)
  expect(shown).not.toContain(secret)
  expect(shown).toContain('***')
})

test.each([
  'pod gitea-0: container gitea waits: ImagePullBackOff',
  'Secret infrastructure/redis-acl was not there within 60 s',
  'http://gitea.infrastructure.svc:3000/platform/fleet.git',
  'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
])('%s stays as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

test('known values go wherever they are', () => {
  expect(redactText('a hunter22 b', ['hunter22'])).toBe('a *** b')
})
