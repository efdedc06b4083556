import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseRaibidFile } from '#lib/pipeline/file.ts'
import { problemText, type PipelineError } from '#lib/pipeline/types.ts'
import { raibidSchema } from '#lib/pipeline/schema.ts'

const folder = join(import.meta.dirname, 'mistakes')
const files = readdirSync(folder).sort()
const editor = z.fromJSONSchema(raibidSchema() as Parameters<typeof z.fromJSONSchema>[0])

/** What a schema can't say: it is the text that is wrong, not what it means. */
const ofTheText = ['key-given-twice', 'open-quote', 'name-with-a-control-character', 'cache-path-in-another']

test.each(files)('%s', async (file) => {
  const text = readFileSync(join(folder, file), 'utf8')
  const expected = [...text.matchAll(/^# (\d+: .*)$/gm)].map(([, problem]) => `.raibid.yaml:${problem}`)
  const error = (await parseRaibidFile(text).catch((thrown: unknown) => thrown)) as PipelineError
  const told = error.problems.map((problem) => problemText('.raibid.yaml', problem))
  expect(told.map((line, i) => line.slice(0, expected[i]?.length))).toEqual(expected)
  if (!ofTheText.includes(file.replace('.yaml', ''))) expect(editor.safeParse(parse(text)).success).toBe(false)
})

test.each([
  'steps: [{ run: make }]',
  'cache: [{ key: [Cargo.lock, "**/go.sum", .tool-versions], paths: [target/, a/b.c, ..x, ~/.cargo/registry] }]\nsteps: [{ run: make }]',
  'timeout: 1h30m\nenv: { A: 1, B: true, C: x }\nsecrets: [TOKEN]\nsteps: [{ name: t, run: x, timeout: 90s, branches: [main, release/*] }]',
])('what the checker takes, the schema takes: %s', async (text) => {
  await parseRaibidFile(text)
  expect(editor.safeParse(parse(text))).toMatchObject({ success: true })
})
