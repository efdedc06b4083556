/** Carries a plan out. Steps go side by side; where one needs the place of another, it waits until that has left it. */
import { messageOf, RaibidError, UnreachableError } from '#lib/errors.ts'
import { lanes, type LaneLimits } from './lanes.ts'
import { performer, type Doing } from './perform.ts'
import { placeOf, type Action, type Step } from './step.ts'

export interface Outcome {
  step: Step
  /** `left`: it was not its turn before the run ended. */
  state: 'done' | 'failed' | 'left'
  /** Why it failed. */
  why: string | null
  ms: number
}

export interface ApplyOptions extends Omit<Doing, 'room' | 'tooShort'> {
  limits: LaneLimits
  /** Throws when there is no room for so many bytes more (lib/mirror/room.ts). */
  roomFor: (bytes: number, inFlight: number) => Promise<void>
  /** Told when a step begins to clone, and of each that has ended. */
  onStart?: (step: Step) => void
  onEnd?: (outcome: Outcome) => void
}

/** Light calls at once. */
const hands = 8

/**
 * Does all that changes something; gives what became of each step, in the plan's order. One that fails keeps no other from being done, but
 * for those that need its place. Throws UnreachableError when Gitea is away for good; when it is told to stop, the rest is `left`.
 */
export async function applyPlan(steps: readonly Step[], options: ApplyOptions): Promise<Outcome[]> {
  const { signal, limits, roomFor, onStart, onEnd } = options
  const stop = new AbortController()
  const all = AbortSignal.any([signal, stop.signal])
  const clones = lanes(limits, all)
  const light = lanes({ all: hands, perHost: hands, bytes: Infinity }, all)
  const gates = gatesOf(steps)
  const tooShort: Doing['tooShort'] = new Map()
  let fatal: unknown = null

  async function carryOut(step: Step): Promise<void> {
    const room = async (source: string): Promise<() => void> => {
      const bytes = step.bytes ?? 0
      const leave = await clones.enter(hostOf(source), bytes)
      try {
        await roomFor(bytes, clones.inFlight() - bytes)
      } catch (error) {
        leave()
        throw error
      }
      onStart?.(step)
      return leave
    }
    const perform = performer({ ...options, signal: all, room, tooShort })
    for (const action of step.actions) {
      if ('waitsFor' in action && action.waitsFor) await gates.get(action.waitsFor)?.free
      const done = action.do === 'clone' || action.do === 'verify' ? null : await light.enter('', 0)
      await perform(action).finally(() => done?.())
      if (leaves(action)) gates.get(placeOf(action.at))?.open()
    }
  }

  return Promise.all(
    steps
      .filter(({ actions }) => actions.length)
      .map(async (step): Promise<Outcome> => {
        const begun = Date.now()
        const outcome = (state: Outcome['state'], why: string | null): Outcome => ({ step, state, why, ms: Date.now() - begun })
        const ended = await carryOut(step).then(
          () => outcome('done', null),
          (error: unknown) => {
            if (all.aborted) return outcome('left', null)
            if (error instanceof UnreachableError) {
              fatal = error
              stop.abort(error)
            }
            return outcome('failed', messageOf(error))
          },
        )
        if (ended.state !== 'done') for (const action of step.actions) if (leaves(action)) gates.get(placeOf(action.at))?.shut()
        onEnd?.(ended)
        return ended
      }),
  ).then((outcomes) => {
    if (fatal) throw fatal
    return outcomes
  })
}

type Leaving = Extract<Action, { do: 'rename' | 'transfer' | 'delete' }>
const leaves = (action: Action): action is Leaving =>
  action.do === 'delete' ||
  action.do === 'transfer' ||
  (action.do === 'rename' && action.to.toLowerCase() !== action.at.name.toLowerCase())

interface Gate {
  free: Promise<void>
  open: () => void
  shut: () => void
}

function gatesOf(steps: readonly Step[]): Map<string, Gate> {
  const gates = new Map<string, Gate>()
  for (const { actions } of steps) {
    for (const action of actions) {
      const place = 'waitsFor' in action ? action.waitsFor : null
      if (!place || gates.has(place)) continue
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      promise.catch(() => {})
      const taken = new RaibidError(`${place} is still taken by a mirror that should have left it; the next run looks again`)
      gates.set(place, { free: promise, open: resolve, shut: () => reject(taken) })
    }
  }
  return gates
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)
