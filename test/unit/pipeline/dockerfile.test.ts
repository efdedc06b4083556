import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { imageUse, readHeads } from '#agent/images.ts'
import { planSteps } from '#lib/pipeline/plan.ts'
import type { ImageUse } from '#lib/pipeline/types.ts'
import { tmpFolder, type Files } from '#test/helpers/tmp-repo.ts'

async function plan(files: Files, image?: ImageUse, tools = ['buildah', 'go']) {
  const { path, remove } = tmpFolder(files)
  const bin = tmpFolder(Object.fromEntries(tools.map((tool) => [tool, ''])))
  for (const tool of tools) chmodSync(join(bin.path, tool), 0o755)
  onTestFinished(() => (remove(), bin.remove()))
  return planSteps({ workspace: path, pipeline: 'auto', env: { PATH: bin.path }, ...(image && { image }) })
}

const build = 'buildah build --isolation chroot --layers --file Dockerfile'
const [tag, cache] = ['"$RAIBID_IMAGE:$RAIBID_COMMIT"', '"$RAIBID_IMAGE/cache"']
test.each([
  ['without a registry it is only built', { registry: false, push: false }, `${build} --tag ${tag} .`],
  ['a fork reads the cache', { registry: true, push: false }, `${build} --cache-from ${cache} --tag ${tag} .`],
  [
    'it is pushed',
    { registry: true, push: true },
    `${build} --cache-from ${cache} --cache-to ${cache} --tag ${tag} .\nbuildah push --quiet --digestfile "$TMPDIR/image.digest" ${tag}`,
  ],
])('%s', async (_, image, run) => {
  expect((await plan({ Dockerfile: 'FROM scratch\n' }, image)).steps).toEqual([
    { name: 'image', run, image: { digestFile: 'image.digest' } },
  ])
})

test('it comes last, and says why it is skipped', async () => {
  const files = { Containerfile: '', 'go.mod': '' }
  expect((await plan(files)).steps.map(({ name }) => name)).toEqual(['go: vet', 'go: build', 'go: test', 'dockerfile: image'])
  expect((await plan({ Containerfile: '' }, undefined, [])).steps[0]).toMatchObject({ skip: 'buildah is not installed' })
  const config = { registry: { host: 'r.example', insecure: false }, git: { credentials: [] }, home: '/x' }
  expect((await plan({ Containerfile: '' }, imageUse(config, { repo: 'https://git.example/o/a..b' }))).steps[0]!.skip).toMatch(
    /can't be the name/,
  )
  expect(imageUse(config, { repo: 'https://git.example/o/n', fork: true })).toEqual({ registry: true, push: false })
})

test('what git says of heads', () => {
  const [one, two] = ['1'.repeat(40), '2'.repeat(40)]
  const { main, heads } = readHeads(`ref: refs/heads/main\tHEAD\n${one}\tHEAD\n${two}\trefs/heads/x/y\n`)
  expect([main, [...heads]]).toEqual([
    'main',
    [
      ['x/y', two],
      ['main', one],
    ],
  ])
  expect(readHeads(`${one}\tHEAD\n`)).toEqual({ main: '', heads: new Map() })
})
