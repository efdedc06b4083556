import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseArgs, wantsHelp, type Spec } from '#lib/cli/args.ts'
import { usage } from '#lib/cli/usage.ts'
import { UsageError } from '#lib/errors.ts'

const spec = {
  name: 'try',
  group: 'jobs',
  summary: 'Try it',
  positionals: [
    { name: 'repo', description: 'What to build', required: true },
    { name: 'branch', description: 'Its branch' },
  ],
  flags: {
    branch2: { type: 'string', description: 'A text', placeholder: '<ref>' },
    'dry-run': { type: 'boolean', description: 'Only say', short: 'n' },
    colour: { type: 'boolean', description: 'Colour', default: true },
    max: { type: 'number', description: 'At most', default: 3, min: 1 },
    limit: { type: 'number', description: 'Limit' },
    timeout: { type: 'duration', description: 'Longest', default: '10m' },
    env: { type: 'list', description: 'Variables', placeholder: '<K=V>' },
    state: { type: 'string', description: 'State', choices: ['dead', 'success'] },
  },
  examples: ['just try x'],
} satisfies Spec

const parse = (...argv: string[]) => parseArgs(spec, argv)
const wrong = (...argv: string[]): string => {
  try {
    return `accepted: ${JSON.stringify(parse(...argv))}`
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
}

describe('what is given', () => {
  test('defaults and camelCase names', () => {
    expect(parse('r')).toEqual({
      ...{ repo: 'r', branch: undefined, branch2: undefined, dryRun: false, colour: true, max: 3, limit: undefined },
      ...{ timeout: 600_000, env: [], state: undefined },
    })
  })

  test('types are inferred from the declaration', () => {
    const { repo, branch, dryRun, max, limit, env } = parse('r')
    const typed: [string, string | undefined, boolean, number, number | undefined, string[]] = [
      repo,
      branch,
      dryRun,
      max,
      limit,
      env,
    ]
    // @ts-expect-error an optional text may be missing
    const text: string = branch
    expect([typed.length, text]).toEqual([6, undefined])
  })

  test.each([
    [['r', '--dry-run'], { dryRun: true }],
    [['-n', 'r'], { dryRun: true, repo: 'r' }],
    [['r', '--no-colour'], { colour: false }],
    [['r', '--colour'], { colour: true }],
    [['--dry-run', 'true', 'false'], { dryRun: true, repo: 'true', branch: 'false' }],
    [['r', '--branch2', 'main'], { branch2: 'main' }],
    [['r', '--branch2=--upload-pack=x'], { branch2: '--upload-pack=x' }],
    [['r', '--branch2=a=b\nc'], { branch2: 'a=b\nc' }],
    [['r', '--branch2', '-old$', '-n'], { branch2: '-old$', dryRun: true }],
    [['r', '--env', '-D=1', '--env', '-E'], { env: ['-D=1', '-E'] }],
    [['r', '--branch2', '0x10'], { branch2: '0x10' }],
    [['r', '--max', '12'], { max: 12 }],
    [['r', '--timeout', '90s'], { timeout: 90_000 }],
    [['r', '--env', 'A=1', '--env=B=--x'], { env: ['A=1', 'B=--x'] }],
    [['r', '--state', 'dead'], { state: 'dead' }],
    [['1e3', '0x10'], { repo: '1e3', branch: '0x10' }],
    [['1234', '007'], { repo: '1234', branch: '007' }],
    [['--', '--dry-run', '-x'], { repo: '--dry-run', branch: '-x', dryRun: false }],
    [['-', 'r'], { repo: '-', branch: 'r' }],
  ])('%j', (argv, expected) => {
    expect(parse(...argv)).toMatchObject(expected)
  })

  test('a variadic positional takes all that follow', () => {
    const many = { ...spec, positionals: [{ name: 'ids', description: 'Jobs', variadic: true }], flags: {} } satisfies Spec
    expect(parseArgs(many, ['a', '2'])).toEqual({ ids: ['a', '2'] })
    expect(parseArgs(many, [])).toEqual({ ids: [] })
  })
})

describe('what is wrong', () => {
  test.each([
    [['r', '--branch2', '-n'], '--branch2 needs a value'],
    [['r', '--max', '-5'], '--max: "-5" is not a whole number ≥ 1'],
    [['r', '-old$'], 'unknown flag -old$'],
    [['r', '--dry-rnu'], 'unknown flag --dry-rnu; did you mean --dry-run?'],
    [['r', '--no-color'], 'unknown flag --no-color; did you mean --no-colour?'],
    [['r', '--no-dry-run'], 'unknown flag --no-dry-run'],
    [['r', '-x'], 'unknown flag -x'],
    [['r', '-nx'], 'unknown flag -nx'],
    [['r', '--upload-pack=touch x'], 'unknown flag --upload-pack'],
    [['r', '--dry-run=yes'], '--dry-run takes no value, but was given "yes".'],
    [['r', '--branch2'], '--branch2 needs a value'],
    [['r', '--branch2='], '--branch2 needs a value'],
    [['r', '--branch2', '--dry-run'], '--branch2 needs a value'],
    [['r', '--branch2', 'a', '--branch2', 'b'], '--branch2 was given 2 times'],
    [['r', '--max', 'x'], '--max: "x" is not a whole number ≥ 1.'],
    [['r', '--max', '0'], '--max: "0" is not a whole number ≥ 1.'],
    [['r', '--max', '1e3'], 'is not a whole number'],
    [['r', '--limit=-5'], '--limit: "-5" is not a whole number ≥ 0.'],
    [['r', '--timeout', 'ten'], '--timeout: "ten" is not a duration'],
    [['r', '--state', 'x'], '--state: "x" is not one of dead, success.'],
    [[], 'missing argument <repo>'],
    [[''], 'missing argument <repo> (it is empty)'],
    [['a', 'b', 'c'], 'unexpected argument "c".'],
  ])('%j', (argv, expected) => {
    expect(wrong(...argv)).toContain(expected)
  })

  test.each([
    '--__proto__',
    '--__proto__.x=1',
    '--constructor.prototype.x=1',
    '--constructor',
    '--toString=1',
    '--max.a=1',
    '--_=x',
  ])('hostile %s is an unknown flag and changes nothing', (flag) => {
    expect(wrong('r', flag, '1')).toContain('unknown flag')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('any arguments give typed values or a UsageError', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--', '--max', '--env', '-n', '--dry-run', '--__proto__', 'r', '--state=dead'),
    )
    const property = fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      try {
        const args = parse(...argv)
        return typeof args.repo === 'string' && Number.isInteger(args.max) && args.env.every((v) => typeof v === 'string')
      } catch (error) {
        return error instanceof UsageError
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe('help', () => {
  test('is asked for before --, not after', () => {
    expect([wantsHelp(['x', '--help']), wantsHelp(['-h']), wantsHelp(['--', '--help'])]).toEqual([true, true, false])
  })

  test('lists what is declared', () => {
    expect(usage(spec)).toMatchInlineSnapshot(`
      "Try it.

      Usage: just try <repo> [branch] [flags]

      Arguments:
        <repo>    What to build
        [branch]  Its branch

      Flags:
        --branch2 <ref>       A text
        -n, --dry-run         Only say
        --[no-]colour         Colour
        --max <n>             At most (default 3)
        --limit <n>           Limit
        --timeout <duration>  Longest (default 10m)
        --env <K=V>           Variables (repeatable)
        --state <value>       State (one of dead, success)
        --help                Show this help

      Examples:
        just try x"
    `)
  })
})
