import { describe, expect, test } from 'vitest'
import { runProcess, runTask } from '#test/helpers/run-process.ts'

const sample = 'test/helpers/sample-task.ts'
const run = (...args: string[]) => runTask(sample, args)
const shell = (script: string) => runProcess('bash', ['-c', `set -o pipefail; node ${sample} ${script}`])

describe('exit codes and words', () => {
  test.each([
    ['nothing', 0, ''],
    ['five', 5, ''],
    ['usage', 2, '✗ The moon is not a branch.\n  see `just sample --help`\n'],
    ['unreachable', 3, "✗ Redis can't be reached.\n"],
    ['bug', 1, '✗ x is undefined\n  This is a fault in raibid-ci; DEBUG=1 shows where.\n'],
    ['reject', 1, '✗ nobody waited\n  This is a fault in raibid-ci; DEBUG=1 shows where.\n'],
  ])('%s', async (what, code, stderr) => {
    expect(await run(what)).toEqual({ code, signal: null, stdout: '', stderr })
  })

  test('an unknown flag and a missing argument are 2', async () => {
    const [flag, missing] = await Promise.all([run('nothing', '--jsno'), run()])
    expect([flag.code, missing.code]).toEqual([2, 2])
    expect(flag.stderr).toContain('did you mean --json?')
    expect(missing.stderr).toContain('missing argument <what>')
  })

  test('--help goes to stdout, whatever else is wrong', async () => {
    const { code, stdout, stderr } = await run('--help', '--nonsense')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('Usage: just sample <what> [flags]')
  })

  test('a stack only with DEBUG=1', async () => {
    expect((await runTask(sample, ['bug'], { env: { DEBUG: '1' } })).stderr).toMatch(
      /TypeError: x is undefined[^]*sample-task\.ts/,
    )
  })
})

describe('the end', () => {
  test('comes, even with something open', async () => {
    expect((await run('handle')).code).toBe(0)
  })

  test('comes after all output, through a slow pipe', async () => {
    const { code, stdout } = await shell('much | (sleep 0.3; wc -l)')
    expect([code, stdout.trim()]).toEqual([0, '50000'])
  })

  test('is quiet when the reader leaves', async () => {
    expect(await shell('endless | head -n 1')).toEqual({ code: 0, signal: null, stdout: 'line 0\n', stderr: '' })
    expect(await shell('much | head -n 1')).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('signals', () => {
  const interrupt = (what: string, signal: NodeJS.Signals, when = 'ready') =>
    runTask(sample, [what], { onOutput: (text, kill) => void (text.includes(when) && kill(signal)) })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s is 130, after the task has tidied up', async (signal) => {
    expect(await interrupt('tidy', signal)).toEqual({ code: 130, signal: null, stdout: 'ready\n', stderr: 'tidied\n' })
  })

  test('a task that does not listen ends all the same', async () => {
    expect((await interrupt('deaf', 'SIGINT')).code).toBe(130)
  })

  test('a second one ends a task that takes its time', async () => {
    const onOutput = (_: string, kill: (signal: NodeJS.Signals) => void) => kill('SIGINT')
    expect(await runTask(sample, ['stubborn'], { onOutput })).toMatchObject({ code: 130, stdout: 'ready\nagain\n' })
  })
})
