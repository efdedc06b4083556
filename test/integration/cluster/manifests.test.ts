import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kustomize } from '#lib/cluster/kustomize.ts'
import { sorted, type KubeObject } from '#lib/cluster/object.ts'
import { root } from '#lib/config.ts'
import { needs } from '#test/helpers/needs.ts'
import { runProcess, runTask } from '#test/helpers/run-process.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifests-'))
  writeFileSync(join(folder, 'raibid.yaml'), 'pools: { default: { max: 2 } }')
})
const manifests = (...args: string[]) =>
  runTask('tasks/cluster/manifests.ts', args, { env: { RAIBID_CONFIG: join(folder, 'raibid.yaml') } })
const objects = (text: string): KubeObject[] => parseAllDocuments(text).map((document) => document.toJS() as KubeObject)

describe('just manifests', () => {
  test('prints YAML to stdout and the sum to stderr, the same each time', async () => {
    const { code, stdout, stderr } = await manifests('--overlay', 'dev', '--node', 'cpu=8,memory=32Gi')
    expect(code).toBe(0)
    expect(objects(stdout).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Namespace', 'StatefulSet', 'ScaledJob']))
    expect(stderr).toMatch(/^ScaledJob ci\/agents-default +2 +1\.00 +8\.0/m)
    expect((await manifests('--overlay', 'dev', '--node', 'cpu=8,memory=32Gi')).stdout).toBe(stdout)
  })

  test('writes nothing and is exit 1, with a sentence, when it does not fit', async () => {
    const { code, stdout, stderr } = await manifests('--node', 'cpu=8,memory=25Gi')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/✗ It does not fit: .*25Gi\. /)
  })

  test('--json is one document, --out one file for each object; a strange folder is left alone', async () => {
    const { objects: all } = JSON.parse((await manifests('--json')).stdout) as { objects: KubeObject[] }
    const out = join(folder, 'out')
    for (let i = 0; i < 2; i++) expect((await manifests('--out', out)).code).toBe(0)
    expect(readdirSync(out)).toHaveLength(all.length + 1)
    expect(await manifests('--out', join(out, 'kustomization.yaml'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is no folder'),
    })
    expect(await manifests('--out', folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('other things in it') as string,
    })
  })
})

needs('kubectl').describe('our kustomize and that of kubectl', () => {
  test.each(['spark', 'dev'])('give the same of overlays/%s', async (overlay) => {
    const path = join(root, 'manifests/overlays', overlay)
    const { code, stdout, stderr } = await runProcess('kubectl', ['kustomize', path])
    expect([code, stderr]).toEqual([0, ''])
    expect(sorted(kustomize(path))).toEqual(sorted(objects(stdout)))
  })

  test('kubectl reads what --out wrote', async () => {
    const out = join(folder, 'out')
    await manifests('--out', out)
    const { code, stdout } = await runProcess('kubectl', ['kustomize', out])
    expect(code).toBe(0)
    expect(objects(stdout)).toHaveLength(readdirSync(out).length - 1)
  })
})
