import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { RequestOptions } from 'node:https'
import { expect, test } from 'vitest'
import { loadLogin } from '#lib/cluster/kubeconfig.ts'
import { kubeconfigFor } from '#test/helpers/fake-api.ts'

const folder = mkdtempSync(join(tmpdir(), 'raibid-kubeconfig-'))
function file(name: string, text = kubeconfigFor(`http://${name}.test`, name)): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
async function token(kubeconfig: string, context?: string): Promise<unknown> {
  const options: RequestOptions = {}
  await (await loadLogin({ kubeconfig, context })).apply(options)
  return (options.headers as Record<string, string>)['Authorization']
}

test('several files are merged as kubectl does: the first that has a name counts, one that is missing does not matter', async () => {
  const other = file('other', kubeconfigFor('http://elsewhere.test', 'one'))
  const paths = [file('one'), join(folder, 'none'), file('two'), other].join(delimiter)
  expect(await loadLogin({ env: { KUBECONFIG: paths } })).toMatchObject({ server: 'http://one.test', context: 'one' })
  expect(await loadLogin({ kubeconfig: paths, context: 'two' })).toMatchObject({ server: 'http://two.test', context: 'two' })
  expect([await token(paths), await token(paths, 'two')]).toEqual(['Bearer token-of-one', 'Bearer token-of-two'])
})

test('a file that is given counts before KUBECONFIG', async () => {
  expect((await loadLogin({ kubeconfig: file('a'), env: { KUBECONFIG: file('b') } })).context).toBe('a')
})

test.each([
  [{ kubeconfig: join(folder, 'none') }, 2, `there is no kubeconfig ${folder}/none`],
  [{ kubeconfig: file('bad', '{') }, 2, /bad: is not a kubeconfig \(/],
  [{ kubeconfig: file('c'), context: 'x' }, 2, 'there is no context "x"; known: c'],
  [{ kubeconfig: file('empty', '{}') }, 2, /no current context names a cluster/],
  [{ env: { HOME: '/nonexistent' } }, 3, /no Kubernetes is configured: set KUBECONFIG or give --kubeconfig/],
])('%j: exit %i', async (choice, exitCode, message) => {
  const refused = loadLogin(choice)
  await expect(refused).rejects.toThrow(message)
  await expect(refused).rejects.toMatchObject({ exitCode })
})
