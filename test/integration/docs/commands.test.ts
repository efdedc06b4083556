/** What documents tell a person to type is run, where that changes nothing and needs nothing but this machine. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseJustfile } from '#lib/docs.ts'
import { textOf, typed } from '#test/helpers/documents.ts'
import { fakeMachine } from '#test/helpers/machine.ts'
import { runTask } from '#test/helpers/run-process.ts'

/** The exit code that such a command has on a machine without a cluster; undefined: it is not run here. */
function expected([, recipe = '', ...args]: readonly string[]): number | undefined {
  const isDry = args.includes('--dry-run') && !args.includes('--kubeconfig')
  if ((recipe === 'bootstrap' || recipe === 'teardown') && isDry) return 0
  if (recipe === 'manifests' && !args.includes('--out')) return 0
  if (recipe === 'config' && args[0] !== 'init') return 0
  if (recipe === 'docs' && args.includes('--check')) return 0
  if (recipe === 'lint' && args.includes('--schema')) return 0
  // nothing is healthy yet
  return recipe === 'status' && !args.includes('--watch') ? 1 : undefined
}

const tasks = new Map(parseJustfile(textOf('justfile')).map(({ name, task }) => [name, task]))
const runnable = new Map(
  typed.flatMap(({ words }) => (words[0] === 'just' && expected(words) !== undefined ? [[words.join(' '), words] as const] : [])),
)

test('there are some', () => expect(runnable.size).toBeGreaterThan(8))

test.concurrent.each([...runnable])('%s', async (_, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-typed-'))
  const config = join(folder, 'raibid.yaml')
  writeFileSync(config, 'pools: { default: { max: 2 } }\n')
  const env = {
    ...{ HOME: folder, KUBECONFIG: '', RAIBID_HOME: join(folder, 'raibid'), RAIBID_CONFIG: config },
    ...{ RAIBID_HOST_ROOT: fakeMachine().root, NODE_COMPILE_CACHE: join(tmpdir(), 'compiled') },
  }
  const { code, stdout, stderr } = await runTask(tasks.get(words[1]!)!, words.slice(2), { env, cwd: folder })
  expect({ code, stderr }).toEqual({ code: expected(words), stderr: expect.not.stringContaining('fault in raibid-ci') })
  if (words[1] !== 'docs' && words[1] !== 'config') expect(stdout.length).toBeGreaterThan(20)
})
