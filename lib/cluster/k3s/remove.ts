import { existsSync, readFileSync } from 'node:fs'
import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { ClusterContext } from '../component.ts'
import { kubeconfigPath, withoutContext } from '../kubeconfig-file.ts'
import { at, hostsMark, hostsWithout } from './files.ts'
import { writeWhole } from './do.ts'
import { textAt, type K3sSeen } from './seen.ts'

/** Takes our k3s away by its own script, and our lines out of files that are a person's. A k3s that was here before stays. */
export async function removeK3s(ctx: ClusterContext, { ours, there }: K3sSeen, env: NodeJS.ProcessEnv): Promise<void> {
  const { host, signal } = ctx
  if (ours && there) {
    if (!existsSync(host.path(at.uninstall)))
      throw new RaibidError(`${at.uninstall} is missing: bootstrap again (--only k3s), then tear down`)
    const { code, stderr } = await host.run([host.path(at.uninstall)], { signal, withinMs: 300_000 })
    if (code !== 0)
      throw new RaibidError(`${at.uninstall} ended with exit code ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  }
  const hosts = textAt(host, at.hosts)
  if (hosts?.includes(hostsMark)) writeWhole(host.path(at.hosts), hostsWithout(hosts), 0o644)
  const path = kubeconfigPath(env)
  if (existsSync(path)) {
    const before = readFileSync(path, 'utf8')
    const after = withoutContext(before, cluster.context, path)
    if (after !== before) writeWhole(path, after, 0o600)
  }
  ctx.forgetKube()
}
