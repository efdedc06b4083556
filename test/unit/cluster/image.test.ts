import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { imageCommands, type ImagePlan } from '#lib/cluster/image-builder.ts'
import { parseImage } from '#lib/cluster/registry.ts'
import { images } from '#lib/cluster/releases.ts'
import { root } from '#lib/config.ts'
import { agentNodeFlags, cluster } from '#lib/contract.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfile = read('agent/Dockerfile')
const plan: ImagePlan = { stage: 'default', tag: 'r.example/a:1', platforms: [], push: false }
const lines = (builder: 'docker' | 'buildah' | 'nerdctl', more: Partial<ImagePlan>) =>
  imageCommands(builder, { ...plan, ...more }).map((command) => command.join(' '))

describe('the Dockerfile', () => {
  test('starts from the image that `just pin` records, and floats on nothing', () => {
    expect(/^ARG BASE=(.*)$/m.exec(dockerfile)?.[1]).toBe(images[0])
    expect(parseImage(images[0])).toMatchObject({ host: 'docker.io', repository: 'library/debian' })
    expect(dockerfile).not.toMatch(/latest|curl|wget/)
  })

  test('ends as a user without privileges, and runs the agent as the pods do', () => {
    expect(dockerfile.match(/^FROM .*$/gm)).toEqual(
      expect.arrayContaining(['FROM system AS default', 'FROM rust-system AS rust']),
    )
    for (const stage of ['system', 'rust-system']) {
      const [, text = ''] = new RegExp(`^FROM \\S+ AS ${stage}$([^]*?)(?=^FROM )`, 'm').exec(dockerfile) ?? []
      expect(text.match(/^USER .*$/gm)?.at(-1)).toBe('USER 1000:1000')
    }
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)![1]!) as string[]
    expect(command).toEqual(['node', ...agentNodeFlags, 'agent/main.ts'])
    expect(dockerfile).toContain(`WORKDIR ${cluster.imageFolder}`)
  })

  test('gets all that it copies, and nothing secret', () => {
    const ignored = read('.dockerignore').split('\n')
    expect(ignored).toContain('*')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names]) => names!.split(' '))
    expect(copied.filter((name) => !ignored.includes(`!${name}`))).toEqual([])
    expect(globSync('{agent,lib,tasks}/**/{.env,*.pem,*.key}', { cwd: root })).toEqual([])
  })
})

describe('the commands', () => {
  test.each([
    ['docker', {}, ['docker build --file agent/Dockerfile --target default --tag r.example/a:1 .']],
    [
      'nerdctl',
      { push: true },
      ['nerdctl build --file agent/Dockerfile --target default --tag r.example/a:1 .', 'nerdctl push r.example/a:1'],
    ],
    [
      'buildah',
      { stage: 'rust', base: 'localhost/debian:1', ca: '/ca.pem', platforms: ['linux/arm64'] },
      [
        'buildah build --layers --isolation chroot --format docker --file agent/Dockerfile --target rust --platform linux/arm64 --build-arg BASE=localhost/debian:1 --secret id=ca,src=/ca.pem --tag r.example/a:1 .',
      ],
    ],
    [
      'docker',
      { push: true, platforms: ['linux/arm64', 'linux/amd64'] },
      [
        'docker buildx build --file agent/Dockerfile --target default --platform linux/arm64,linux/amd64 --tag r.example/a:1 --push .',
      ],
    ],
  ] as const)('of %s for %j', (builder, more, expected) => {
    expect(lines(builder, more)).toEqual(expected)
  })

  test('buildah makes an index of several platforms, and pushes all of it', () => {
    const [build, push] = lines('buildah', { push: true, platforms: ['linux/arm64', 'linux/amd64'] })
    expect(build).toContain('--manifest r.example/a:1')
    expect(push).toBe('buildah manifest push --all r.example/a:1 docker://r.example/a:1')
  })

  test('docker can only push an index', () => {
    expect(() => lines('docker', { platforms: ['linux/arm64', 'linux/amd64'] })).toThrow('add --push')
  })
})
