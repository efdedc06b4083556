import { describe, expect, test } from 'vitest'
import { auditLog } from '#lib/chaos/audit-log.ts'
import { lineOf, outputOf } from '#lib/chaos/jobs.ts'
import type { LogEntry } from '#lib/queue/log-reader.ts'
import { aJob, aLog, aPlan } from './facts.ts'

const bound = 100_000
type Out = Extract<LogEntry, { kind: 'out' }>
const isOut = (entry: LogEntry): entry is Out => entry.kind === 'out' && entry.step === 1

/** What is found in an accepted log of this plan after `spoil`. */
function found(
  spoil: (log: LogEntry[], out: Out[]) => unknown,
  plan = aPlan(),
  accepted = true,
): { text: string; linesLost: number }[] {
  const job = aJob(plan)
  spoil(job.log, job.log.filter(isOut))
  return auditLog(job, 1, accepted, bound)
}
const lost = (...args: Parameters<typeof found>): number => found(...args).reduce((sum, { linesLost }) => sum + linesLost, 0)

describe('the log of an accepted attempt', () => {
  test('is complete and in order', () => expect(found(() => {})).toEqual([]))

  test('a dropped line, and all lines behind it, are counted', () => {
    expect(lost((_, out) => (out[0]!.text = out[0]!.text.split('\n').slice(1).join('\n')))).toBeGreaterThan(0)
    expect(lost((log, out) => log.splice(log.indexOf(out.at(-1)!), 1))).toBeGreaterThan(0)
  })

  test.each<[string, (log: LogEntry[], out: Out[]) => unknown]>([
    ['a line twice', (_, out) => (out[0]!.text += out[0]!.text)],
    ['two chunks in the wrong order', (log, out) => log.splice(log.indexOf(out[0]!), 2, out[1]!, out[0]!)],
    [
      'a line of another attempt',
      (_, out) => (out[0]!.text = out[0]!.text.replace(lineOf(aPlan(), 1, 1), lineOf(aPlan(), 2, 1))),
    ],
    ['a line of another job', (_, out) => (out[0]!.text = `${lineOf(aPlan({ salt: 3 }), 1, 1)}\n${out[0]!.text}`)],
    ['one character changed', (_, out) => (out[1]!.text = out[1]!.text.replace('1', '7'))],
    ['the end is missing', (log) => log.pop()],
    [
      'the end of something else',
      (log) => log.splice(-1, 1, { ...log.at(-1)!, kind: 'end', state: 'lost', reason: '', again: 0 } as LogEntry),
    ],
    [
      'a mark of a step is missing',
      (log) =>
        log.splice(
          log.findIndex(({ kind }) => kind === 'done'),
          1,
        ),
    ],
  ])('%s is found', (_, spoil) => expect(found(spoil)).not.toEqual([]))
})

describe('the log of an attempt that was lost', () => {
  test('may end anywhere, in the middle of a line too', () => {
    const cutShort = (log: LogEntry[], out: Out[]): void => {
      log.splice(log.indexOf(out[1]!) + 1)
      out[1]!.text = out[1]!.text.slice(0, 3)
    }
    expect(found(cutShort, aPlan(), false)).toEqual([])
  })

  test('may end with what the shell says when its steps are ended', () => {
    const terminated = (_: LogEntry[], out: Out[]): void => void (out.at(-1)!.text += 'bash: line 3:   812 Terminated   awk\n')
    const upTo = (log: LogEntry[], out: Out[]): void => {
      terminated(log, out)
      log.splice(log.indexOf(out.at(-1)!) + 1)
    }
    expect(found(upTo, aPlan(), false)).toEqual([])
    expect(found(upTo, aPlan(), true)).not.toEqual([])
  })

  test('holds no line of the attempt after it', () => {
    const job = aJob(aPlan(), 2)
    const out = job.log.filter((entry): entry is Out => isOut(entry) && entry.attempt === 1)
    out.at(-1)!.text += `${lineOf(job.plan, 2, 1)}\n`
    expect(auditLog(job, 1, false, bound)).not.toEqual([])
  })
})

describe('a log above the bound', () => {
  const plan = aPlan({ kind: 'loud', lines: 4000, width: 60 })
  const small = 40_000
  /** Its middle cut out, as the queue does it, and the cut stated. */
  function cut(lines: number, bytesOff = 0) {
    const job = aJob(plan)
    const [work] = outputOf(plan, 1)
    const all = work.split('\n').slice(0, -1)
    const [head, gone, tail] = [all.slice(0, 300), all.slice(300, -300), all.slice(-300)].map((some) =>
      some.map((line) => `${line}\n`).join(''),
    )
    const log = aLog(plan, 1)
    const first = log.findIndex(isOut)
    const rest: LogEntry[] = log.filter((entry) => !isOut(entry))
    const out = (text: string, seq: number): LogEntry => ({ id: `1-${seq}`, attempt: 1, at: 1, kind: 'out', step: 1, text })
    rest.splice(first, 0, out(head!, 3), { id: '1-3', attempt: 1, at: 1, kind: 'cut', lines }, out(tail!, 9))
    return auditLog(
      { ...job, log: rest, cut: { 1: { lines: all.length - 600, bytes: gone!.length + bytesOff } } },
      1,
      true,
      small,
    )
  }

  test('lacks exactly what is stated', () => expect(cut(3400)).toEqual([]))
  test('a cut of one line more than stated is found', () => expect(cut(3399)[0]).toMatchObject({ linesLost: 1 }))
  test('so is a cut of other bytes', () => expect(cut(3400, 1)).not.toEqual([]))

  test('one that is kept whole above the bound, or cut below it, is found', () => {
    expect(auditLog(aJob(plan), 1, true, small)).not.toEqual([])
    const job = aJob()
    const place = job.log.findIndex(isOut)
    const [gone] = job.log.splice(place, 1, { id: '1-2', attempt: 1, at: 1, kind: 'cut', lines: 2 })
    expect(auditLog({ ...job, cut: { 1: { lines: 2, bytes: (gone as Out).text.length } } }, 1, true, bound)).not.toEqual([])
  })
})
