import { expect, test } from 'vitest'
import { errorOf } from '#agent/clone-error.ts'

test.each([
  ['fatal: unable to access: Could not resolve host: x', 'network'],
  ['error: RPC failed; HTTP 503', 'network'],
  // seen in a chaos round, on a full disk: without a word about the space
  [
    'error: could not write config file .git/config: x\nfatal: failed to write new configuration file /w/src/.git/config.lock',
    'disk',
  ],
  ['fatal: write error: No space left on device', 'disk'],
  ['fatal: unable to write new index file', 'disk'],
  ['error: unable to create file a: No space left on device\nfatal: unable to checkout working tree', 'disk'],
  ["fatal: could not create work tree dir 'x': Disk quota exceeded", 'disk'],
  ['error: unable to create file aaa: File name too long', 'unusable'],
  ["fatal: couldn't find remote ref refs/heads/x", 'missing'],
  ['remote: Repository not found.\nfatal: repository not found', 'missing'],
  ["fatal: Authentication failed for 'http://x/'", 'refused'],
  ['fatal: could not read Username for http://x: terminal prompts disabled', 'refused'],
  ['something else', 'unusable'],
])('%j: %s', (text, kind) => {
  expect(errorOf(text, 'git failed').kind).toBe(kind)
})
