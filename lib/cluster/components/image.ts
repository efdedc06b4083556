import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { giveBack } from '#lib/bootstrap/give-back.ts'
import { messageOf, RaibidError } from '#lib/errors.ts'
import { isForbidden } from '../api-error.ts'
import type { ClusterContext, Component, Finding } from '../component.ts'
import { buildImage, findBuilder, saveCommand, type Builder } from '../image-builder.ts'
import { podSettings } from '../pod-settings.ts'
import { kinds, type KubeObject } from '../types.ts'

interface Node extends KubeObject {
  metadata: { name: string }
  status?: { images?: { names?: string[] }[] }
}

/** Those that no registry has: of the pools whose image is ours. `serve` runs that of the pool `default`. */
export function ownImages({ config }: Pick<ClusterContext, 'config'>): string[] {
  const pools = Object.keys(config.pools).map((pool) => podSettings(config, pool).image)
  return [...new Set(pools)].filter((name) => name.startsWith('localhost/'))
}

/** By node the images that it lacks. Throws what the API server says. */
async function lacking(ctx: ClusterContext): Promise<{ node: string; images: string[] }[]> {
  const { items } = await (await ctx.kube()).list<Node>(kinds.node, ctx.signal)
  const wanted = ownImages(ctx)
  return items.flatMap(({ metadata, status }) => {
    const there = new Set((status?.images ?? []).flatMap(({ names }) => names ?? []))
    const images = wanted.filter((name) => !there.has(name))
    return images.length ? [{ node: metadata.name, images }] : []
  })
}

async function check(ctx: ClusterContext): Promise<Finding> {
  try {
    const missing = await lacking(ctx)
    const [first] = missing
    if (!first) return { state: 'healthy', reason: ownImages(ctx).join(', ') }
    const reason = `node ${first.node} has no image ${first.images.join(', ')}`
    return { state: ownImages(ctx).length === first.images.length ? 'absent' : 'degraded', reason }
  } catch (error) {
    if (!isForbidden(error)) throw error
    return { state: 'healthy', reason: 'this account may not see what images its nodes have' }
  }
}

/** How images come to the nodes; null: only a person can bring them there. */
const importCommand = ({ settings }: ClusterContext, file: string): string[] | null => {
  if (!settings.existing) return ['k3s', 'ctr', '-n', 'k8s.io', 'images', 'import', file]
  const k3d = /^k3d-(.+)$/.exec(settings.existing.context ?? '')?.[1]
  return k3d ? ['k3d', 'image', 'import', '-c', k3d, file] : null
}

async function bring(ctx: ClusterContext, builder: Builder, name: string): Promise<void> {
  const file = join(ctx.home, `cluster/image-${process.pid}.tar`)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  try {
    ctx.say(`${builder} builds ${name}: some minutes, the first time`)
    await buildImage(builder, name, ctx)
    for (const command of [saveCommand(builder, name, file), importCommand(ctx, file)!]) {
      ctx.say(command.slice(0, 3).join(' '))
      const { code, stderr } = await ctx.host.run(command, { signal: ctx.signal, withinMs: 600_000 })
      const last = stderr.trim().split('\n').slice(-2).join(' | ')
      if (code !== 0) throw new RaibidError(`${command.slice(0, 3).join(' ')} ended with exit code ${code}: ${last}`)
    }
  } finally {
    rmSync(file, { force: true })
    giveBack([ctx.home, join(ctx.home, 'cluster')])
  }
}

/** The one image that no registry has: built here, and put where the kubelet looks. */
export const image: Component = {
  name: 'image',
  title: 'the image of agents and serve, on the node',
  needs: ['k3s'],
  // kubelet tells every ten seconds which images there are
  settlesWithinMs: 60_000,
  check,
  async plan(ctx) {
    const how = importCommand(ctx, '<archive>')
    const why = how && (await findBuilder().then(() => null, messageOf))
    return [
      ...(why ? [`first, by a person: ${why}`] : []),
      ...ownImages(ctx).map((name) =>
        how ? `build ${name}, and import it: ${how.join(' ')}` : `by a person: build ${name}, and bring it to each node`,
      ),
    ]
  },
  async apply(ctx) {
    const names = [...new Set((await lacking(ctx)).flatMap(({ images }) => images))]
    if (!importCommand(ctx, ''))
      throw new RaibidError(
        `how to bring ${names.join(', ')} to these nodes is not known: import what \`just image\` builds on each, or push it to a registry that they reach, and name that image in pools.<name>.image; then --skip image`,
      )
    const builder = await findBuilder()
    for (const name of names) await bring(ctx, builder, name)
  },
}
