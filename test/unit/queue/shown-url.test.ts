import { expect, test } from 'vitest'
import { shownUrl } from '#lib/queue/connect.ts'

test.each([
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
  ['redis://:secret@host:1', 'redis://host:1'],
  ['redis://user:secret@host/0', 'redis://host/0'],
  // a password as a person may write it, unescaped
  ['redis://:se/cret@host:1', 'redis://host:1'],
  ['redis://:se@cret@host:1', 'redis://host:1'],
  ['rediss://user:a/b@c@host', 'rediss://host'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown)
})
