/** One run of mirror-org, mirror-repo or rescan: looks, plans, and does it or says it. */
import { formatDuration } from '#lib/duration.ts'
import { info, ok, print, printJson, step as begin, warn } from '#lib/cli/log.ts'
import { progressLine } from '#lib/cli/progress.ts'
import type { Config } from '#lib/config.ts'
import { RaibidError, UnreachableError } from '#lib/errors.ts'
import { carryOut } from './carry-out.ts'
import { oneAtATime } from './lock.ts'
import { ourGitea } from './place.ts'
import { planMirrors, type Plan } from './plan.ts'
import { planJson, planTable, summary } from './report.ts'
import { decideAll } from './rules.ts'
import { survey, type Survey } from './survey.ts'
import type { MirrorRule } from './types.ts'
import { whereaboutsOf } from './whereabouts.ts'

export interface RunOptions {
  /** The recipe's name. */
  recipe: string
  config: Config
  rules: readonly MirrorRule[]
  /** Address of our Gitea, where there are several. */
  gitea?: string | undefined
  /** More owners in our Gitea whose mirrors are taken over. */
  moveFrom?: readonly string[]
  dryRun: boolean
  /** With `dryRun`: 1 when something is to be changed. */
  exitCode: boolean
  /** Orphan however many. */
  yes: boolean
  /** Where a listing fails, go on with the others. */
  partial?: boolean
  json: boolean
  signal: AbortSignal
  /** Looks at what was found before anything is done, and may refuse it. */
  inspect?: (survey: Survey, plan: Plan) => void
}

/** The exit code. Throws RaibidError and UnreachableError for what is not to be done, or could not be looked at. */
export async function mirrorRun(options: RunOptions): Promise<number> {
  const { config, recipe, dryRun, json, signal } = options
  const gitea = ourGitea(config, options.gitea)
  const begun = Date.now()
  const release = dryRun ? async () => {} : await oneAtATime(config, gitea.forge.url, recipe)
  try {
    const { seen, plan } = await look(options, gitea)
    for (const warning of seen.warnings) warn(warning)
    options.inspect?.(seen, plan)
    const refusal = refusalOf(options, seen, plan)
    const facts = { requests: seen.requests, unchanged: seen.unchanged, ms: Date.now() - begun }
    const changes = plan.steps.filter(({ actions }) => actions.length > 0).length
    const refused = plan.steps.filter(({ kind }) => kind === 'refused').length
    if (dryRun || refusal) {
      if (json) printJson(planJson(plan, facts))
      else if (changes || refused) print(planTable(plan.steps))
      info(summary(plan.steps))
      if (refusal && !dryRun) throw refusal
      if (refusal) warn(`a run would refuse this: ${refusal.message}`)
      return options.exitCode && (changes || refused || refusal) ? 1 : 0
    }
    if (!json && changes) begin(summary(plan.steps))
    const outcomes = changes ? await carryOut(plan, seen, { config, gitea, signal }) : new Map()
    const all = [...outcomes.values()]
    const failed = all.filter(({ state }) => state === 'failed').length
    const left = all.filter(({ state }) => state === 'left').length
    facts.ms = Date.now() - begun
    if (json) printJson(planJson(plan, facts, outcomes))
    else if (failed || refused)
      print(
        planTable(
          plan.steps.filter((one) => one.kind === 'refused' || outcomes.get(one)?.state === 'failed'),
          outcomes,
        ),
      )
    if (signal.aborted) {
      warn(`stopped: ${all.length - left - failed} done, ${left} left; the next run goes on with them`)
      return 130
    }
    if (!failed && !refused && !seen.failed.length) {
      ok(changes ? `${changes} done in ${formatDuration(facts.ms)}` : summary(plan.steps))
      return 0
    }
    warn(
      `${all.length - failed} done, ${failed} failed, ${refused} refused${seen.failed.length ? `, ${seen.failed.length} not listed` : ''}`,
    )
    return seen.failed.some(({ away }) => away) ? 3 : 1
  } finally {
    await release()
  }
}

async function look(options: RunOptions, { client }: ReturnType<typeof ourGitea>): Promise<{ seen: Survey; plan: Plan }> {
  const { config, rules, signal, moveFrom = [] } = options
  const line = progressLine()
  const seen = await survey({
    ...{ config, client, rules, owners: moveFrom, signal },
    onPage: (account, listed) => line.set(`${account}: ${listed} listed`),
    onWait: (_, why) => line.around(() => info(why)),
  }).finally(() => line.end())
  const decisions = decideAll(seen.found)
  const plan = planMirrors({ ...seen, decisions })
  if (!plan.orphans.length) return { seen, plan }
  const { whereabouts, failed } = await whereaboutsOf(plan.orphans, config, signal)
  seen.failed.push(...failed)
  return { seen, plan: planMirrors({ ...seen, decisions, whereabouts }) }
}

/** Why nothing is to be done; null: it may. */
function refusalOf({ yes, partial }: RunOptions, { failed }: Survey, { refusal }: Plan): RaibidError | null {
  if (!refusal) return null
  if (refusal.by === 'orphans') return yes ? null : new RaibidError(refusal.text)
  if (partial) {
    for (const { where, what, why } of failed) warn(`${where}: ${what} could not be listed, so nothing of it is changed: ${why}`)
    return null
  }
  return failed.some(({ away }) => away) ? new UnreachableError(refusal.text) : new RaibidError(refusal.text)
}
