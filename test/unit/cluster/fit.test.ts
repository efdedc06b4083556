import { describe, expect, test } from 'vitest'
import { fit } from '#lib/cluster/fit.ts'
import { parseNode, type Overlay } from '#lib/cluster/overlays.ts'
import { pinned } from '#lib/cluster/pins.ts'
import { cpuText, memoryText, millicores, bytes } from '#lib/cluster/quantity.ts'
import { pick, rendered } from '#test/helpers/rendered.ts'

const machine = (node: string): Overlay => ({ node: parseNode(node), reserved: parseNode('cpu=0,memory=0') })
const problem = async (pools: string, node: string): Promise<string | null> =>
  fit(await rendered('dev', `pools: ${pools}`), machine(node)).problem

describe('does it fit?', () => {
  test('a sum of everything, every pool at its maximum', async () => {
    const { rows, total } = fit(
      await rendered('dev', 'pools: { default: { max: 4, cpu: 2, memory: 3Gi } }'),
      machine('cpu=20,memory=120Gi'),
    )
    expect(rows.find(({ name }) => name === 'ScaledJob ci/agents-default')).toMatchObject({ count: 4, each: { cpu: 2000 } })
    expect(total).toEqual({
      cpu: 200 + 100 + 50 + 50 + 50 + 100 + 8000,
      memory: (140 + 100 + 256 + 128 + 256 + 256 + 4 * 3072) * 2 ** 20,
      gpu: 0,
    })
  })

  test('yes is no sentence', async () => {
    expect(await problem('{ default: { max: 4, cpu: 2 } }', 'cpu=9,memory=32Gi')).toBeNull()
  })

  test.each([
    ['{ default: { max: 8, cpu: 2 } }', 'cpu=9,memory=64Gi', 'Set pools.default.max to 4 in raibid.yaml'],
    ['{ default: { max: 8 } }', 'cpu=9,memory=18Gi', 'Set pools.default.max to 4 in raibid.yaml'],
    ['{ default: { max: 1 }, big: { max: 3, cpu: 4 } }', 'cpu=10,memory=64Gi', 'Set pools.big.max to 2'],
    ['{ default: { max: 1, cpu: 4 } }', 'cpu=3,memory=64Gi', 'no room for even one agent of the pool default'],
    ['{ default: { max: 1, gpu: 2 } }', 'cpu=3,memory=64Gi,gpu=1', 'no room for even one agent of the pool default'],
    ['{ default: { max: 1 } }', 'cpu=200m,memory=64Gi', 'too small even without agents'],
  ])('%s on %s', async (pools, node, sentence) => {
    expect(await problem(pools, node)).toContain(sentence)
  })

  test.each(['cpu=4', 'memory=1Gi', 'cpu=4,memory=1Gi,disk=1', 'cpu=,memory=1Gi', 'x', 'cpu=4,memory=1Gi,gpu=one'])(
    '--node %s is wrong usage',
    (text) => {
      expect(() => parseNode(text)).toThrow('is not like cpu=20,memory=120Gi')
    },
  )

  test.each(['cpu=two,memory=1Gi', 'cpu=-1,memory=1Gi', 'cpu=1,memory=1x'])('--node %s, too', (text) => {
    expect(() => parseNode(text)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringMatching(/^--node: "/) }))
  })

  test('the quota has room for all, even while as many that have ended are counted twice over', async () => {
    const { hard } = pick(
      await rendered('dev', 'pools: { default: { max: 4, cpu: 2, memory: 3Gi } }'),
      'ResourceQuota',
      'agents',
    ).spec
    // serve and four agents, three times
    expect(hard).toEqual({ pods: '15', 'requests.cpu': '24300m', 'requests.memory': `${3 * (256 + 4 * 3072)}Mi` })
  })
})

test('quantities are written as Kubernetes writes them', () => {
  expect(['0.5', '1500m', '2', 2.5].map((text) => cpuText(millicores(text)))).toEqual(['500m', '1500m', '2', '2500m'])
  expect(['512Mi', '2048Mi', '4Gi'].map((text) => memoryText(bytes(text)))).toEqual(['512Mi', '2Gi', '4Gi'])
  expect(() => millicores('two')).toThrow('is not a number of cores')
  expect(() => bytes('4G')).toThrow('is not a size')
})

test('a pinned image keeps its tag, for people, and gets its digest', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const objects = await rendered('dev', '')
  const { image } = pick(objects, 'StatefulSet', 'redis').spec.template.spec.containers[0]
  const after = pinned(objects, { images: { [image]: digest }, releases: {} })
  expect(pick(after, 'StatefulSet', 'redis').spec.template.spec.containers[0].image).toBe(`${image}@${digest}`)
  expect(pick(objects, 'StatefulSet', 'redis').spec.template.spec.containers[0].image).toBe(image)
})
