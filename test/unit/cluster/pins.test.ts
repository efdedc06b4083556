import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPins } from '#lib/cluster/pins.ts'

test.each(['{', '{"images":{"a":"latest"},"releases":{}}', 'null'])(
  'a damaged file (%j) is told in one line, with what helps',
  (text) => {
    const file = join(mkdtempSync(join(tmpdir(), 'raibid-pins-')), 'pins.json')
    writeFileSync(file, text)
    const message = expect.stringMatching(/^\S+pins\.json is damaged: .+; delete it and run `just pin`$/)
    expect(() => readPins(file)).toThrow(expect.objectContaining({ exitCode: 2, message }))
  },
)
