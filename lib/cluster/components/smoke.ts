import { setTimeout as sleep } from 'node:timers/promises'
import { cluster } from '#lib/contract.ts'
import { RaibidError } from '#lib/errors.ts'
import type { GiteaAdmin } from '#lib/forge/gitea-admin.ts'
import { formatDuration } from '#lib/duration.ts'
import { commitTo } from '../gitops/repository.ts'
import { mustLogin } from '../gitea-login.ts'
import { podSettings } from '../pod-settings.ts'
import type { ClusterContext, Component } from '../component.ts'
import type { KubeObject } from '../types.ts'

const { configOwner: owner, smokeRepo: name, namespace } = cluster
const repo = { owner, name }
const noteRef = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } }
const withinMs = 600_000

const files = (when: string): Record<string, string> => ({
  'README.md': `# Does a push become a build?\n\n\`just bootstrap\` pushes here, and waits for the result. The last time: ${when}.\n`,
  '.raibid.yaml': 'steps:\n  - name: hello\n    run: echo "a push became a build"\n',
})

/** What was proven is proven for this image of the agents. */
const imageOf = ({ config }: ClusterContext): string => podSettings(config, 'default').image

/** One real push, through all of it: webhook, serve, queue, KEDA, a pod, a clone, a step, the commit's status. */
export const smoke: Component = {
  name: 'smoke',
  title: 'a first build, from a push to its result',
  needs: ['serve'],
  async check(ctx) {
    const found = await (await ctx.kube()).get<KubeObject & { data?: Record<string, string> }>(noteRef, ctx.signal)
    const { image, commit = '', took } = found?.data ?? {}
    if (image !== imageOf(ctx)) return { state: 'absent', ...(found && { reason: 'the agents’ image is another one since' }) }
    return { state: 'healthy', reason: `${owner}/${name}@${commit.slice(0, 7)} was built ${took ?? ''} after its push` }
  },
  plan: async () => [`push a commit to ${owner}/${name} at Gitea, and wait until it is built`],
  async apply(ctx) {
    const admin = await mustLogin(ctx)
    if (!(await admin.repo(repo))) await admin.makeRepo(repo, 'A push here is the test of the whole')
    await admin.letWork(repo, 'agents', 'read')
    const write = files(new Date().toISOString())
    const started = performance.now()
    const commit = await commitTo(admin, () => ({ write, remove: [], message: 'Is there anybody?' }), repo)
    await result(ctx, admin, commit!)
    const took = formatDuration(Math.round(performance.now() - started))
    const kube = await ctx.kube()
    await kube.apply({ ...noteRef, data: { image: imageOf(ctx), commit: commit!, took } } as KubeObject, { force: true })
  },
  async remove(ctx) {
    await (await ctx.kube()).remove(noteRef)
  },
}

/** Waits for what is said of the commit. RaibidError with how far it came. */
async function result({ signal, say }: ClusterContext, admin: GiteaAdmin, commit: string): Promise<void> {
  let last =
    'nothing was said of the commit: serve has not heard of the push (see `just logs serve`, and the webhook’s deliveries at Gitea)'
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(1000, undefined, { signal })) {
    const [newest] = await admin.statuses(repo, commit)
    if (!newest) continue
    const { status, description, target_url: url } = newest
    last = `${status}: ${description}${url ? ` (${url})` : ''}`
    say(last)
    if (status === 'success') return
    if (status !== 'pending')
      throw new RaibidError(`the build of ${owner}/${name}@${commit.slice(0, 7)} came to nothing: ${last}`)
  }
  throw new RaibidError(`${owner}/${name}@${commit.slice(0, 7)} was not built within ${withinMs / 1000} s: ${last}`)
}
