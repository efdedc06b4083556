import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runTask } from '#test/helpers/run-process.ts'

/** A PATH with only these commands on it: `#!/bin/sh` and the text. */
function path(commands: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'builders-'))
  for (const [name, text] of Object.entries(commands)) writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return folder
}
const image = (commands: Record<string, string>, ...args: string[]) =>
  runTask('tasks/cluster/image.ts', args, { env: { PATH: path(commands), NODE_EXTRA_CA_CERTS: '' } })

test('a docker without its daemon does not count', async () => {
  const { code, stderr } = await image({ docker: 'exit 1', buildah: 'exit 0' }, '--dry-run')
  expect(code).toBe(0)
  expect(stderr).toMatch(/\[dry-run\] buildah build .* --tag localhost\/raibid-agent:\d+\.\d+\.\d+ \.$/m)
})

test('nothing that builds is exit 1, and says what is wrong with each', async () => {
  const { code, stderr } = await image({ docker: 'exit 1' })
  expect(code).toBe(1)
  expect(stderr).toContain(
    'docker is installed, but its daemon does not answer; buildah is not installed; nerdctl is not installed. Install buildah',
  )
})

test('a build that fails is exit 1; one that works prints its name', async () => {
  expect(await image({ docker: '[ $1 = info ]' })).toMatchObject({ code: 1, stdout: '' })
  const works = await image({ docker: '[ $1 = image ] && echo 123456789; exit 0' }, '--stage', 'rust', '--tag', 'r.example/a:1')
  expect(works).toMatchObject({ code: 0, stdout: 'r.example/a:1\n', stderr: expect.stringContaining(': 123 MB') as string })
})
