/** Does what a plan says, and tells how far it is. */
import { step as begin, warn } from '#lib/cli/log.ts'
import { progressLine } from '#lib/cli/progress.ts'
import { safe } from '#lib/cli/untrusted.ts'
import type { Config } from '#lib/config.ts'
import { RefusedError } from '#lib/forge/errors.ts'
import { steady } from '#lib/forge/steady.ts'
import { announcer } from './announce.ts'
import { applyPlan, type Outcome } from './apply.ts'
import { eta } from './eta.ts'
import { sourceCredential, type OurGitea } from './place.ts'
import type { Plan } from './plan.ts'
import { roomOn } from './room.ts'
import type { Step } from './step.ts'
import type { Survey } from './survey.ts'
import { mustBeSame } from './verify.ts'

interface Doing {
  config: Config
  gitea: OurGitea
  signal: AbortSignal
}

/** What became of each step that changes something. Throws UnreachableError when our Gitea is away for good. */
export async function carryOut(plan: Plan, seen: Survey, { config, gitea, signal }: Doing): Promise<Map<Step, Outcome>> {
  const { client, addressOf, credential } = gitea
  const steps = plan.steps.filter(({ actions }) => actions.length > 0)
  const line = progressLine()
  const far = eta(steps, Date.now())
  const news = announcer({ config, gitea, owners: seen.owners, warn: (text) => line.around(() => warn(text)) })
  const credentialFor = (source: string) => sourceCredential(config, source)
  const verifying = { client, addressOf, own: credential(), credentialFor, signal, withinMs: 600_000 }
  try {
    await makeOwners(plan, seen, gitea, signal)
    const outcomes = await applyPlan(steps, {
      ...{ client, signal, credentialsFor: credentialFor },
      limits: { all: config.mirrors.parallel, perHost: config.mirrors.perHost, bytes: 2 * 2 ** 30 },
      roomFor: roomOn(config.mirrors),
      verify: (mirror) => mustBeSame(mirror, verifying),
      announce: news.announce,
      onEnd({ step, state, why }) {
        if (state === 'left') return
        far.end(step, state === 'failed')
        if (why) line.around(() => warn(`${safe(step.mirror)}: ${why}`))
        line.set(far.text(Date.now()))
      },
    })
    return new Map(outcomes.map((outcome) => [outcome.step, outcome]))
  } finally {
    line.end()
    await news.close()
  }
}

/** The organisations that the plan's mirrors go to, where there are none. */
async function makeOwners({ steps }: Plan, { owners }: Survey, { client }: OurGitea, signal: AbortSignal): Promise<void> {
  for (const [name, kind] of owners) {
    const mine = steps.filter(
      ({ mirror, actions }) => actions.length && mirror.toLowerCase().startsWith(`${name.toLowerCase()}/`),
    )
    if (kind || !mine.length) continue
    // what is in it may be seen by all only where a mirror may
    const isOpen = mine.some(({ actions }) => actions.some((action) => action.do === 'clone' && !action.wish.private))
    begin(`creating the organisation ${name}`)
    await steady(() => client.createOrganisation(name, isOpen ? 'public' : 'private', { signal }), signal).catch(
      (error: unknown) => {
        // another run was quicker
        if (!(error instanceof RefusedError && error.status === 422)) throw error
      },
    )
  }
}
