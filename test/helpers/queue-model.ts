import type { JobState } from '#lib/queue/types.ts'

export interface ModelJob {
  id: string
  key: string
  state: JobState
  /** Place in the line: lower is sooner. */
  seq: number
  attempt: number
  tries: number
  token: string
  agent: string
  cancelled: boolean
}

const open = (job: ModelJob): boolean => ['held', 'pending', 'delayed', 'running'].includes(job.state)

/** The protocol without Redis, in its simplest form: what each transition must do, to compare the scripts with. */
export class QueueModel {
  jobs = new Map<string, ModelJob>()
  agents = new Map<string, { job: string; token: string }>()
  /** Which unfinished job answers for a build. */
  #owner = new Map<string, string>()
  #seq = 0

  enqueue(id: string, key: string, held: boolean): { id: string; deduplicated: boolean } {
    if (this.jobs.has(id)) return { id, deduplicated: false }
    const same = this.#owner.get(key)
    if (same) return { id: same, deduplicated: true }
    this.#owner.set(key, id)
    const state = held ? 'held' : 'pending'
    this.jobs.set(id, { id, key, state, seq: ++this.#seq, attempt: 0, tries: 0, token: '', agent: '', cancelled: false })
    return { id, deduplicated: false }
  }

  claim(agent: string, token: string): string {
    const mine = this.agents.get(agent)
    if (mine?.token === token) {
      const job = this.jobs.get(mine.job)
      return job?.state === 'running' && job.token === token ? job.id : 'gone'
    }
    // an agent runs one job at a time
    const last = mine && this.jobs.get(mine.job)
    if (last?.state === 'running' && last.token === mine!.token) this.lose(last, false)
    const job = [...this.jobs.values()].filter((one) => one.state === 'pending').sort((a, b) => a.seq - b.seq)[0]
    if (!job) {
      this.agents.delete(agent)
      return 'idle'
    }
    Object.assign(job, { state: 'running', attempt: job.attempt + 1, token, agent })
    this.agents.set(agent, { job: job.id, token })
    return job.id
  }

  beat(id: string, token: string): string {
    const job = this.jobs.get(id)!
    if (job.state !== 'running' || job.token !== token) return 'lost'
    return job.cancelled ? 'cancel' : 'ok'
  }

  finish(id: string, token: string, state: 'success' | 'failed'): string {
    const job = this.jobs.get(id)!
    if (job.token !== token) return 'lost'
    if (job.state !== 'running') return job.state
    return this.#conclude(job, job.cancelled ? 'cancelled' : state)
  }

  release(agent: string, token: string, free: boolean): string {
    const mine = this.agents.get(agent)
    if (!mine || (token && mine.token !== token)) return 'none'
    const job = this.jobs.get(mine.job)
    if (job?.state !== 'running' || job.token !== mine.token) {
      this.agents.delete(agent)
      return 'none'
    }
    return this.lose(job, free)
  }

  lose(job: ModelJob, free: boolean): string {
    if (job.cancelled) return this.#conclude(job, 'cancelled')
    if (!free) job.tries++
    if (job.tries >= 3) return this.#conclude(job, 'dead')
    this.#leave(job)
    const state: JobState = free || job.tries === 1 ? 'pending' : 'delayed'
    Object.assign(job, { state, token: '', agent: '' })
    return state
  }

  cancel(id: string): [string, string] {
    const job = this.jobs.get(id)!
    const before = job.state
    if (before === 'running') {
      job.cancelled = true
      return [before, before]
    }
    return [before, open(job) ? this.#conclude(job, 'cancelled') : before]
  }

  retry(id: string): [string, boolean] {
    const job = this.jobs.get(id)!
    const before = job.state
    if (open(job)) return [before, false]
    if (!this.#owner.has(job.key)) this.#owner.set(job.key, id)
    Object.assign(job, { state: 'pending', seq: ++this.#seq, tries: 0, token: '', agent: '', cancelled: false })
    return [before, true]
  }

  admit(id: string): string {
    const job = this.jobs.get(id)!
    if (job.state === 'held') job.state = 'pending'
    return job.state
  }

  /** Every delay is over. */
  tend(): void {
    for (const job of this.jobs.values()) if (job.state === 'delayed') job.state = 'pending'
  }

  /** The agent's later claim, if it has one, stays its own. */
  #leave(job: ModelJob): void {
    if (this.agents.get(job.agent)?.job === job.id) this.agents.delete(job.agent)
  }

  #conclude(job: ModelJob, state: JobState): string {
    job.state = state
    if (this.#owner.get(job.key) === job.id) this.#owner.delete(job.key)
    this.#leave(job)
    return state
  }
}
