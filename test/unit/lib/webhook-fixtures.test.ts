import { createHmac } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '#lib/config.ts'

const folder = join(root, 'fixtures/webhooks')
const files = globSync('*/*.json', { cwd: folder }).sort()
const readme = readFileSync(join(folder, 'README.md'), 'utf8')

test.each(files)('%s is signed as its sender signs, and holds JSON', (file) => {
  const { version, headers, body, secret } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
    version: string
    headers: Record<string, string>
    body: string
    secret: string
  }
  const digest = createHmac('sha256', secret).update(body).digest('hex')
  expect(headers['X-Hub-Signature-256']).toBe(`sha256=${digest}`)
  expect(JSON.parse(body)).toBeTypeOf('object')
  const gitea = file.startsWith('gitea/')
  expect(version).toMatch(gitea ? /^Gitea \d/ : /^octokit/)
  if (gitea) {
    expect(headers['X-Gitea-Signature']).toBe(digest)
    expect(Number(headers['Content-Length'])).toBe(Buffer.byteLength(body))
  }
})

test('the README tells what each of them is', () => {
  // a name that begins with a dash goes on from the first of its row
  const told = [...readme.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) => {
    const names = [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name)
    return names.flatMap((name) => (name.startsWith('-') ? files.filter((file) => file.includes(`${name}.json`)) : name))
  })
  const missing = files.filter((file) => !told.includes(basename(file, '.json')) && !told.includes(file))
  expect(missing).toEqual([])
  expect(files.length).toBeGreaterThan(30)
})
