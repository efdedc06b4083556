import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentPod } from '#lib/cluster/agent-pod.ts'
import { root } from '#lib/config.ts'
import { agentSecrets, secretsFlag } from '#lib/contract.ts'
import { configOf } from '#test/helpers/rendered.ts'
import { parseSecrets, takeSecrets } from '../../../agent/given.ts'

test('reads values of one line and of several, and those alone that are agreed', () => {
  const text = 'RAIBID_REDIS_URL=redis://a:b=@h:1\nRAIBID_GIT_CREDENTIALS=h\tu\tt\nRAIBID_GIT_CREDENTIALS=i\tu\tt=\n'
  expect(parseSecrets(text)).toEqual({ RAIBID_REDIS_URL: 'redis://a:b=@h:1', RAIBID_GIT_CREDENTIALS: 'h\tu\tt\ni\tu\tt=' })
  expect(parseSecrets('\n')).toEqual({})
  for (const wrong of ['LD_PRELOAD=hush', 'RAIBID_SECRET_KEY', 'hush', '__proto__=hush'])
    expect(() => parseSecrets(wrong)).toThrow(/^the secrets of this agent are not lines NAME=value$/)
})

test('a file, which could be read again, is refused', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'given-')), 'text')
  writeFileSync(file, 'RAIBID_SECRET_KEY=hush\n')
  expect(() => takeSecrets(openSync(file, 'r'))).toThrow('by a pipe')
})

test('the start of the image hands over what a pod has from Secrets, and the agent knows it', async () => {
  const script = readFileSync(join(root, 'agent/start.sh'), 'utf8')
  const names = agentSecrets.join(' ')
  expect(script).toContain(`for raibid_name in ${names}; do`)
  expect(script).toContain(`unset ${names}\n`)
  expect(script).toContain(`exec tini -s -- "$@" ${secretsFlag} <<END`)
  const { containers } = agentPod(await configOf('pools: { default: { max: 1 } }'), 'default') as any
  const secret = containers[0].env.filter(({ valueFrom }: any) => valueFrom?.secretKeyRef).map(({ name }: any) => name)
  expect(secret.sort()).toEqual([...agentSecrets].sort())
  expect(containers[0].command).toBeUndefined()
})
