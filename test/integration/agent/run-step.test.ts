import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { runStep, type StepOptions, type StepResult } from '#agent/run-step.ts'
import { findMarked, startTimeOf } from '#lib/processes.ts'
import { tmpFolder } from '#test/helpers/tmp-repo.ts'
import { waitFor } from '#test/helpers/wait-for.ts'

interface Run {
  done: Promise<StepResult>
  output: () => string
  mark: string
  abort: () => void
  cwd: string
}

function run(script: string, more: Partial<StepOptions> = {}): Run {
  const { path, remove } = tmpFolder()
  onTestFinished(remove)
  const controller = new AbortController()
  const mark = randomUUID()
  let output = ''
  const done = runStep({
    script,
    cwd: path,
    env: { PATH: process.env['PATH']!, GREETING: 'hello' },
    mark,
    timeoutMs: 0,
    signal: controller.signal,
    onOutput: (text) => void (output += text),
    ...more,
  })
  done.catch(() => {})
  onTestFinished(() => controller.abort())
  return { done, output: () => output, mark, abort: () => controller.abort(), cwd: path }
}

test.for([
  ['echo a; echo b >&2; echo c; exit 3', 'a\nb\nc\n', 3],
  ['echo "$GREETING" | tee /dev/stderr', 'hello\nhello\n', 0],
  ['echo x > /dev/stderr', 'x\n', 0],
  ['false; echo never', '', 1],
  ['false | true; echo never', '', 1],
  ['cat; echo end', 'end\n', 0],
  ['env | cut -d= -f1 | grep -vE "^(_|PWD|SHLVL)$" | sort', 'GREETING\nPATH\nRAIBID_MARK\n', 0],
  ['for i in 1 2 3; do echo o$i; echo e$i >&2; done', 'o1\ne1\no2\ne2\no3\ne3\n', 0],
  ['printf "\\xe2\\x82"; printf "\\xac\\xff"', '€\ufffd', 0],
  ['[ "$(ps -o sid= $$ | tr -d " ")" = $$ ] && echo own', 'own\n', 0],
] as const)('%s', async ([script, expected, exitCode]) => {
  const { done, output } = run(script)
  expect(await done).toEqual({ exitCode, signal: null, outcome: 'exited', durationMs: expect.any(Number) })
  expect(output()).toBe(expected)
})

test('a signal is reported', async () => {
  expect(await run('kill -SEGV $$').done).toMatchObject({ exitCode: null, signal: 'SIGSEGV', outcome: 'exited' })
})

test('a script too long for a command line', async () => {
  const { done, output } = run(`# ${'x'.repeat(300_000)}\necho end; exit 4`)
  expect((await done).exitCode).toBe(4)
  expect(output()).toBe('end\n')
})

test('a NUL, a missing folder, and a missing bash are said in words', async () => {
  await expect(run('echo \0').done).rejects.toThrow('NUL')
  await expect(run('echo', { cwd: '/no/such' }).done).rejects.toThrow(/Could not start bash in \/no\/such/)
  await expect(run('echo', { env: { PATH: '/no/such' } }).done).rejects.toThrow(/Could not start bash/)
})

const stubborn = `trap '' TERM
setsid bash -c 'trap "" TERM; (setsid bash -c "trap : TERM; echo up; while :; do sleep 0.1; done" &); while :; do sleep 0.1; done' &
env -i setsid sleep 1000 &
while :; do sleep 0.1; done`

test.for(['timeout', 'aborted'] as const)('%s: the whole tree is gone within 2 s', async (outcome) => {
  const { done, output, mark, abort } = run(stubborn, { timeoutMs: outcome === 'timeout' ? 500 : 0 })
  await waitFor('the tree', () => output().includes('up'))
  const begin = performance.now()
  if (outcome === 'aborted') abort()
  expect(await done).toMatchObject({ outcome, signal: 'SIGKILL', exitCode: null })
  expect(performance.now() - begin).toBeLessThan(2000)
  expect(findMarked('RAIBID_MARK', mark)).toEqual([])
})

test('TERM is enough for one that heeds it', async () => {
  const { done, output, abort } = run(`trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done`)
  await waitFor('the trap', () => output().includes('up'))
  abort()
  expect(await done).toMatchObject({ outcome: 'aborted', exitCode: 5 })
  expect(output()).toContain('bye')
})

test('aborted before it began: nothing is run', async () => {
  const { done, cwd } = run('touch ran', { signal: AbortSignal.abort() })
  expect(await done).toMatchObject({ outcome: 'aborted', exitCode: null })
  expect(existsSync(join(cwd, 'ran'))).toBe(false)
})

test('what goes on in the background ends with the step', async () => {
  const { done, output, mark } = run(
    'sleep 1000 & setsid sleep 1000 & (trap "" TERM; echo $BASHPID > pid; while :; do sleep 0.05; done) & until [ -s pid ]; do :; done; echo end',
  )
  expect(await done).toMatchObject({ outcome: 'exited', exitCode: 0 })
  expect(output()).toBe('end\n')
  expect(findMarked('RAIBID_MARK', mark)).toEqual([])
})

test('a stranger that holds the pipe open does not hang the step', async () => {
  // Nothing ties this one to the step: no mark, no parent, no session, another folder.
  const { done, output, cwd } = run(
    '(cd /; env -i setsid sleep 30 & echo $! > "$OLDPWD/pid"); until [ "$(ps -o sid= $(cat pid))" -eq "$(cat pid)" ]; do :; done; echo end',
  )
  const { durationMs } = await done
  const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'))
  onTestFinished(() => void (startTimeOf(pid) && process.kill(pid)))
  expect(startTimeOf(pid)).not.toBeNull()
  expect(output()).toBe('end\n')
  expect(durationMs).toBeLessThan(3000)
})

test('all output is there, however slowly it is taken', async () => {
  let lines = 0
  const { done } = run('seq 200000', {
    async onOutput(text) {
      for (let i = 0; i < 3; i++) await turn()
      lines += text.split('\n').length - 1
    },
  })
  await done
  expect(lines).toBe(200_000)
})

test('output waits for its reader: memory stays bounded', async () => {
  let taken = 0
  const gate = Promise.withResolvers<void>()
  const { done, cwd } = run('head -c 20000000 /dev/zero & echo $! > pid; wait; exit', {
    async onOutput(text) {
      taken += text.length
      await gate.promise
    },
  })
  const head = await waitFor('the writer', () => existsSync(join(cwd, 'pid')) && Number(readFileSync(join(cwd, 'pid'), 'utf8')))
  // Asleep in its write: the pipe is full, and nobody reads on.
  const wchan = (): string => readFileSync(`/proc/${head}/stat`, 'utf8').split(') ')[1]![0]!
  await waitFor('the writer to wait', () => taken > 0 && wchan() === 'S')
  expect(taken).toBeLessThan(1_000_000)
  gate.resolve()
  await done
  expect(taken).toBe(20_000_000)
})

test('what the reader throws ends the step and comes out', async () => {
  const mine = new Error('no room')
  const { done, mark } = run('echo x; sleep 1000', {
    onOutput() {
      throw mine
    },
  })
  await expect(done).rejects.toBe(mine)
  expect(findMarked('RAIBID_MARK', mark)).toEqual([])
})
