import { join } from 'node:path'
import type { JobCaches } from '#lib/cache/job.ts'
import type { CacheSpec } from '#lib/cache/spec.ts'
import { messageOf } from '#lib/errors.ts'
import type { Step } from '#lib/queue/types.ts'
import type { AttemptOptions } from './attempt.ts'
import type { createMarks } from './marks.ts'

export type Keep = JobCaches['keep']

export interface OpenCaches {
  /** To be called when all steps have succeeded, before the result is made: the phase is filled in. */
  succeeded: () => Promise<void>
  /** Gives the caches back, once the result was accepted as `state`. */
  keep: Keep
}

interface Site {
  workspace: string
  commit: string
  /** Before the clone, ms. */
  startedAt: number
  /** The steps' environment; that of a fork's job gets registries of its own. */
  env: Record<string, string>
}

/**
 * Restores the job's caches, as a phase of it; undefined when there are none, or they can't be used. No build fails by its caches.
 */
export async function openCaches(
  { job, folder, shipper, stop, mark, cache }: AttemptOptions,
  marks: ReturnType<typeof createMarks>,
  specs: CacheSpec[],
  site: Site,
): Promise<OpenCaches | undefined> {
  if (job.fork) {
    const { forkRegistries } = await import('#lib/cache/fork-env.ts')
    Object.assign(site.env, await forkRegistries(join(folder, 'registries'), site.env))
  }
  if (specs.length === 0) return undefined
  const [{ restoreCaches }, { useText }] = await Promise.all([import('#lib/cache/job.ts'), import('#lib/cache/show.ts')])
  const { folder: root, ...limits } = cache
  const own = { repo: job.origin ?? job.repo, fork: job.fork === true, scratch: folder, mark, signal: stop }
  let caches: JobCaches | undefined
  const tell = (step: Step): void =>
    void Object.assign(step, { cache: caches!.uses, reason: caches!.uses.map(useText).join('; ') })
  const phase = await marks.phase('cache', async (index, step) => {
    step.state = 'success'
    try {
      caches = await restoreCaches({ ...site, ...own, root, limits }, specs)
      tell(step)
      await shipper.write(index, `${caches.uses.map(useText).join('\n')}\n`)
    } catch (error) {
      step.reason = messageOf(error)
    }
  })
  if (!caches) return undefined
  const { succeeded, keep } = caches
  return {
    async succeeded() {
      const ran = marks.steps.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0)
      // steps that were left out make the time incomparable
      await succeeded(job.passed.length ? null : ran)
      tell(phase)
    },
    keep,
  }
}
