import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkName, createK3d, destroyK3d, k3dKubeconfig } from '#lib/cluster/k3d.ts'
import { hostAt, type Ran } from '#lib/cluster/host.ts'
import { fakeMachine, type Answers } from '#test/helpers/machine.ts'

/** A k3d that remembers its clusters. */
function k3d(own: Answers = () => undefined) {
  const clusters: string[] = []
  const machine = fakeMachine({}, (command, nth): Partial<Ran> => {
    const said = own(command, nth) as Partial<Ran> | undefined
    if (said) return said
    const [, what, verb, name] = command
    if (verb === 'list') return { stdout: JSON.stringify(clusters.map((one) => ({ name: one }))) }
    if (verb === 'create') clusters.push(name!)
    if (verb === 'delete') clusters.splice(clusters.indexOf(name!), 1)
    return { stdout: what === 'kubeconfig' ? 'apiVersion: v1\n' : '' }
  })
  const home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
  return { ...machine, options: { host: machine.host, home, name: 'raibid', signal: new AbortController().signal }, home }
}

test('is made once, started when it is there, and its kubeconfig is a file of its own', async () => {
  const { options, commands, home } = k3d()
  expect(await createK3d(options)).toEqual({ kubeconfig: k3dKubeconfig(home, 'raibid'), made: true })
  expect([readFileSync(k3dKubeconfig(home, 'raibid'), 'utf8'), statSync(k3dKubeconfig(home, 'raibid')).mode & 0o777]).toEqual([
    'apiVersion: v1\n',
    0o600,
  ])
  const [, create] = commands()
  expect(create).toMatch(
    /^k3d cluster create raibid --image docker.io\/rancher\/k3s:v1.37.1-k3s1 --kubeconfig-update-default=false/,
  )
  expect(create).toContain('--port 127.0.0.1:30300:30300@server:0')
  expect((await createK3d(options)).made).toBe(false)
  expect(commands()).toContain('k3d cluster start raibid')
})

test('is taken away, and looked for afterwards', async () => {
  const { options, home, commands } = k3d()
  await createK3d(options)
  expect(await destroyK3d(options)).toBe(true)
  expect([existsSync(k3dKubeconfig(home, 'raibid')), commands().at(-1)]).toEqual([false, 'k3d cluster list -o json'])
  expect(await destroyK3d(options)).toBe(false)
})

test('a cluster that is listed after its end is no success', async () => {
  const { options } = k3d(([, , verb]) => (verb === 'list' ? { stdout: '[{"name":"raibid"}]' } : undefined))
  await expect(destroyK3d(options)).rejects.toThrow('k3d says that raibid is deleted, and lists it still')
})

test.each([
  [{ code: 1, stderr: 'x\nCannot connect to the Docker daemon' }, "k3d can't ask docker: Cannot connect to the Docker daemon"],
])('%j', async (answer, sentence) => {
  await expect(createK3d(k3d(() => answer).options)).rejects.toThrow(sentence)
})

test('k3d that is not installed is said, with what to do', async () => {
  const host = { ...hostAt(), run: () => hostAt().run(['k3d-that-there-is-not']) }
  await expect(createK3d({ ...k3d().options, host })).rejects.toThrow('k3d is not installed: https://k3d.io says how')
})

test.each(['', '-x', 'A', 'a b', 'x'.repeat(40)])('%j is no name', (name) => {
  expect(() => checkName(name)).toThrow('is not a name for a cluster')
})
