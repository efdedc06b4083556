import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parse } from 'yaml'
import { root } from '#lib/config.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { kustomization, type Patch } from './kustomization-schema.ts'
import type { KubeObject } from './object.ts'
import { applyPatch } from './json-patch.ts'

/**
 * The objects of a kustomize folder: as much of kustomize as manifests/ uses (resources, components, patches by operations), and an error
 * for anything else, so that nobody needs kubectl to see what will be applied. A test holds it against `kubectl kustomize`.
 */
export function kustomize(folder: string): KubeObject[] {
  return build(folder, [])
}

function build(folder: string, before: KubeObject[]): KubeObject[] {
  const file = join(folder, 'kustomization.yaml')
  const { resources, components, patches } = read(file, (content) => kustomization.parse(content))
  const objects = [...before, ...resources.flatMap((name) => resource(join(folder, name)))]
  // A component works on what is there so far, and adds to it.
  const all = components.reduce((so, name) => build(join(folder, name), so), objects)
  const names = all.map(({ kind, metadata: { namespace, name } }) => [kind, namespace, name].join(' '))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new RaibidError(`${shown(file)}: there are two ${twice}`)
  return patches.reduce((so, patch) => patched(so, patch, file), all)
}

const resource = (path: string): KubeObject[] =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ? kustomize(path) : [object(path)]

function object(path: string): KubeObject {
  return read(path, (content) => {
    const { apiVersion, kind, metadata } = (content ?? {}) as Partial<KubeObject>
    if (!apiVersion || !kind || !metadata?.name) throw new Error('is not one object of Kubernetes')
    return content as KubeObject
  })
}

function patched(objects: KubeObject[], { target, patch }: Patch, file: string): KubeObject[] {
  const isTarget = ({ kind, metadata }: KubeObject): boolean => kind === target.kind && metadata.name === target.name
  if (!objects.some(isTarget)) throw new RaibidError(`${shown(file)}: there is no ${target.kind} ${target.name} to patch`)
  return objects.map((one) =>
    isTarget(one)
      ? applyPatch(
          one,
          read(file, () => parse(patch) as unknown),
        )
      : one,
  )
}

function read<T>(path: string, use: (content: unknown) => T): T {
  if (!existsSync(path)) throw new RaibidError(`${shown(path)}: there is no such file`)
  try {
    return use(parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw error instanceof RaibidError ? error : new RaibidError(`${shown(path)}: ${messageOf(error)}`)
  }
}

const shown = (path: string): string => relative(root, path)
