import type { Answer, Chunk, Worker } from '#lib/queue/worker.ts'
import type { Step } from '#lib/queue/types.ts'
import { createMasker } from './mask.ts'

/** Most text of one chunk, and of one call; above the second a writer waits, so memory stays bounded however fast a build prints. */
const largestChunk = 64 * 1024
const callSize = 256 * 1024
/** Longest a line waits for company. A few calls in this time go out at once: a build that prints now and then waits for nothing. */
const latencyMs = 50
const atOnce = 4

export interface Shipper {
  /** Output of a step: masked, then shipped. Resolves when there is room for more. */
  write(step: number, text: string): Promise<void>
  /** Marks a step's begin or end; `now` is recorded on the job with it. */
  mark(kind: 'step' | 'done', step: number, data: object, now: { phases?: Step[]; steps?: Step[] }): void
  /** Resolves when all so far is acknowledged. */
  flush(): Promise<void>
  /** Ships nothing more (the attempt is not ours any more). */
  stop(): void
}

const lineBreaks = (text: string): number => {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/** Puts the output of one attempt on its log: in order, each chunk until it is acknowledged, at most 50 ms late. */
export function createShipper(options: {
  append: (chunks: Chunk[], now: { phases?: Step[]; steps?: Step[] }) => ReturnType<Worker['log']>
  secrets: string[]
  onAnswer: (answer: Answer) => void
  /** The bound on the attempt's log: it is cut by whole chunks, so these must be small beside it, or nothing of its tail is left. */
  logBytes?: number | undefined
}): Shipper {
  const chunkSize = Math.min(largestChunk, Math.max(512, Math.floor((options.logBytes ?? Infinity) / 16)))
  const masker = createMasker(options.secrets)
  let queue: Chunk[] = []
  let queued = 0
  let seq = 0
  let line = 0
  let lastStep = 0
  let sent: number[] = []
  let now: { phases?: Step[]; steps?: Step[] } = {}
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | null = null
  let stopped = false
  const roomFor: (() => void)[] = []

  function push(kind: Chunk['kind'], step: number, text: string): void {
    const lines = kind === 'out' ? lineBreaks(text) : 0
    const last = queue.at(-1)
    if (kind === 'out' && last?.kind === 'out' && last.step === step && last.text.length + text.length <= chunkSize) {
      last.text += text
      last.lines += lines
    } else queue.push({ seq: ++seq, kind, step, text, lines, line })
    line += lines
    queued += text.length
  }

  function output(step: number, text: string): void {
    for (let at = 0; at < text.length; at += chunkSize) push('out', step, text.slice(at, at + chunkSize))
  }

  function schedule(): void {
    if (sending || stopped || (queue.length === 0 && !now.steps && !now.phases)) return
    sent = sent.filter((at) => at > Date.now() - latencyMs)
    const wait = queued >= chunkSize || sent.length < atOnce ? 0 : Math.max(0, sent[0]! + latencyMs - Date.now())
    if (wait === 0) {
      clearTimeout(timer)
      timer = undefined
      sending = send().finally(() => {
        sending = null
        schedule()
      })
    } else timer ??= setTimeout(() => ((timer = undefined), schedule()), wait)
  }

  async function send(): Promise<void> {
    const chunks: Chunk[] = []
    let size = 0
    while (queue[0] && (size === 0 || size + queue[0].text.length <= callSize)) {
      size += queue[0].text.length
      chunks.push(queue.shift()!)
    }
    const recorded = now
    now = {}
    sent.push(Date.now())
    for (;;) {
      if (stopped) return
      try {
        options.onAnswer(await options.append(chunks, recorded))
        break
      } catch (error) {
        // a full Redis refuses lines until the keeper made room; anything else will not get better by waiting
        if (!/OOM|MISCONF|LOADING|BUSY/.test(String(error))) throw error
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    queued -= size
    if (queued < callSize) release()
  }

  function release(): void {
    for (const go of roomFor.splice(0)) go()
  }

  return {
    async write(step, text) {
      if (stopped) return
      lastStep = step
      output(step, masker.write(text))
      schedule()
      if (queued >= 2 * callSize) await new Promise<void>((resolve) => roomFor.push(resolve))
    },
    mark(kind, step, data, recorded) {
      if (stopped) return
      output(lastStep, masker.flush())
      lastStep = step
      push(kind, step, JSON.stringify(data))
      now = { ...now, ...recorded }
      schedule()
    },
    async flush() {
      output(lastStep, masker.flush())
      sent = []
      schedule()
      while (sending) {
        await sending
        sent = []
        schedule()
      }
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      queue = []
      release()
    },
  }
}
