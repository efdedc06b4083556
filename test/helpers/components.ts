import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { choose, inOrder, type Choice } from '#lib/bootstrap/order.ts'
import { journal } from '#lib/bootstrap/journal.ts'
import { run, type Progress } from '#lib/bootstrap/run.ts'
import type { ClusterContext, Component, Finding } from '#lib/cluster/component.ts'
import { hostAt } from '#lib/cluster/host.ts'
import { loadConfig } from '#lib/config.ts'

export interface StandIn extends Component {
  /** What its check finds next. */
  finding: Finding
  /** What was asked of it, in order. */
  asked: string[]
}

/** A component that does what its test says: absent, until it is applied. */
export function standIn(name: string, needs: string[] = [], own: Partial<Component> = {}): StandIn {
  const one: StandIn = {
    name,
    title: `the ${name}`,
    needs,
    finding: { state: 'absent' },
    asked: [],
    settlesWithinMs: 50,
    check: async () => {
      one.asked.push('check')
      return one.finding
    },
    plan: async () => {
      one.asked.push('plan')
      return [`make ${name}`]
    },
    apply: async () => {
      one.asked.push('apply')
      one.finding = { state: 'healthy' }
    },
    remove: async () => {
      one.asked.push('remove')
      one.finding = { state: 'absent' }
    },
    ...own,
  }
  return one
}

/** A context without a cluster, in a folder of its own. */
export async function standInContext(own: Partial<ClusterContext> = {}): Promise<ClusterContext> {
  const home = mkdtempSync(join(tmpdir(), 'raibid-home-'))
  return {
    config: { ...(await loadConfig({ env: {} })), home },
    settings: { preset: 'homelab', existing: null, airgap: null, mirrors: {} },
    home,
    host: hostAt(join(home, 'machine')),
    kube: async () => {
      throw new Error('this test has no cluster')
    },
    forgetKube: () => {},
    signal: new AbortController().signal,
    say: () => {},
    ...own,
  }
}

/** One bootstrap of these; gives what became of each, as `name: what`. */
export async function bootstrapOf(components: readonly Component[], ctx: ClusterContext, choice: Choice = {}) {
  const said: string[] = []
  const events: Progress[] = []
  const notes = journal(ctx.home, (text) => said.push(text))
  const list = choose(inOrder(components), choice)
  const outcomes = await run(list, ctx, { journal: notes, emit: (event) => events.push(event), everyMs: 5 })
  return { outcomes, words: outcomes.map(({ name, what }) => `${name}: ${what}`), state: notes.state(), said, events }
}
