/** What is built of what a forge tells: pure, so that it can be asked beforehand. */
import type { RepositoryPolicy as Policy } from '#lib/config-repositories.ts'
import { matchesAny as matches } from '#lib/pipeline/branches.ts'
import type { EnqueueOptions } from '#lib/queue/producer.ts'
import type { JobSpec } from '#lib/queue/types.ts'
import type { ForgeEvent, PullRequest, Push, RepoRef } from './event.ts'

export type Decision =
  | { do: 'nothing'; reason: string }
  | { do: 'sync'; mirror: string; reason: string }
  | { do: 'build'; spec: JobSpec; options: EnqueueOptions; cancelRunning: boolean }

const skipped = /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]/i
const nothing = (reason: string): Decision => ({ do: 'nothing', reason })

/** The first entry that matches the repository; without any entry all that is signed is built. */
export const policyFor = (policies: Policy[], repo: RepoRef): Policy | undefined =>
  policies.find(({ match }) => matches([match], repo.name))

/** What to do about an event. */
export function decide(event: ForgeEvent, policies: Policy[]): Decision {
  if (event.kind === 'none') return nothing(event.reason)
  const policy = policyFor(policies, event.repo)
  if (!policy) return nothing(`no entry of repositories in raibid.yaml is for ${event.repo.name}`)
  if (!policy.enabled) return nothing(`${event.repo.name} is not enabled in raibid.yaml`)
  if (event.kind === 'push') return push(event, policy)
  return pull(event, policy)
}

function push(event: Push, policy: Policy): Decision {
  const { ref, files, message } = event
  if (policy.mirror && event.repo.forge === 'github')
    return { do: 'sync', mirror: policy.mirror, reason: `${event.repo.name} is mirrored: its mirror's own push is built` }
  const wanted = ref.kind === 'branch' ? policy.branches : policy.tags
  if (!matches(wanted, ref.name)) return nothing(`the ${ref.kind} ${ref.name} is not built: ${wanted.join(', ') || 'none is'}`)
  if (skipped.test(message)) return nothing('its commit says [skip ci]')
  if (policy.paths.length && files && !files.some((file) => matches(policy.paths, file)))
    return nothing(`no changed file is one of ${policy.paths.join(', ')}`)
  return {
    do: 'build',
    spec: specOf(event.repo.url, ref.name, event.commit, policy, policy.secrets),
    options: {
      supersede: policy.concurrency !== 'queue' && ref.kind === 'branch',
      commitAt: event.commitAt,
      report: true,
      about: { by: event.author, message, ref: `${ref.kind} ${ref.name}`, forge: event.repo.forge, repository: event.repo.name },
    },
    cancelRunning: policy.concurrency === 'cancel-running' && ref.kind === 'branch',
  }
}

function pull({ repo, head, number, author, title }: PullRequest, policy: Policy): Decision {
  if (!policy.pullRequests) return nothing('pull requests of this repository are not built')
  if (head.fork && policy.forks === 'ignore') return nothing('pull requests from forks are not built')
  if (skipped.test(title)) return nothing('its title says [skip ci]')
  const about = { by: author, message: title, ref: `pull request #${number}`, forge: repo.forge, repository: repo.name }
  const options = { supersede: policy.concurrency !== 'queue', report: true, about }
  const cancelRunning = policy.concurrency === 'cancel-running'
  if (!head.fork) {
    const spec = specOf(repo.url, head.branch, head.commit, policy, policy.secrets)
    return { do: 'build', spec, options, cancelRunning }
  }
  const spec = { ...specOf(head.url, head.branch, head.commit, policy, []), origin: repo.url, fork: true }
  const hold = `pull request #${number} of ${author}, from a fork: look at it, then let it run with just approve`
  return { do: 'build', spec, options: { ...options, hold }, cancelRunning }
}

/** The job that a policy makes of a commit. */
export const specOf = (
  repo: string,
  branch: string,
  commit: string,
  { pool, pipeline }: Pick<Policy, 'pool' | 'pipeline'>,
  secrets: string[],
): JobSpec => ({ repo, branch, commit, pipeline, pool, secrets, timeoutMs: 0, env: {} })
