/** Every command that a document tells a person to type is one that there is, with arguments that it takes. */
import { describe, expect, test } from 'vitest'
import { parseArgs, wantsHelp } from '#lib/cli/args.ts'
import { components } from '#lib/cluster/components/index.ts'
import { parseJustfile } from '#lib/docs.ts'
import { parseMirrors } from '#lib/cluster/mirrors.ts'
import { named, textOf, typed } from '#test/helpers/documents.ts'
import { bare, shellCommands } from '#test/helpers/shell-commands.ts'
import { taskSpecs } from '../../../tasks/check/docs.ts'

const recipes = parseJustfile(textOf('justfile'))
const specs = await taskSpecs()

/** What else is typed: programs of a usual machine, of Kubernetes, and of what is installed. */
const others =
  /^(apt-get|base64|cat|chmod|cp|curl|docker|gh|git|gpg|hostnamectl|journalctl|jq|k3s|kubectl|mkdir|mv|npm|node|openssl|printf|psql|redis-cli|rm|sed|ss|ssh|systemctl|tar|tee|test|timedatectl|true|ufw|which|cd|crontab|vitest|buildah|df|du|echo|tr|export)$/
const names = components.map(({ name }) => name)

/** Throws what the recipe itself would say, or what its task says next; runs nothing. */
function check(words: readonly string[]): void {
  const [name = '', ...argv] = words
  if (!recipes.some((one) => one.name === name)) throw new Error(`there is no recipe ${JSON.stringify(name)}`)
  const spec = specs.find((one) => one.name === name)
  if (!spec || wantsHelp(argv)) return
  const args = parseArgs(spec, argv) as Record<string, unknown>
  if (spec.group !== 'cluster' && spec.group !== 'mirror') return
  const given = ['only', 'skip', 'from'].flatMap((flag) => args[flag] ?? []) as string[]
  const unknown = [...given, ...(name === 'logs' ? [args['component'] as string] : [])].filter((one) => !names.includes(one))
  if (unknown.length) throw new Error(`there is no component ${unknown.join(', ')}`)
  if (Array.isArray(args['mirror'])) parseMirrors(args['mirror'] as string[])
  // a schedule names another recipe
  if (name === 'schedule' && args['recipe']) check([args['recipe'] as string, ...(args['args'] as string[])])
}

const shown = (all: typeof typed) => all.map(({ file, text, words }) => [`${file}: ${text}`, words] as const)

describe('commands in blocks', () => {
  test('there are some', () => expect(typed.length).toBeGreaterThan(100))

  test.each(shown(typed))('%s', (_, [program = '', ...words]) => {
    if (program === 'just') expect(() => check(words)).not.toThrow()
    else expect(program).toMatch(others)
  })
})

describe('commands in sentences', () => {
  test.each(shown(named))('%s', (_, [program, ...words]) => {
    expect(program).toBe('just')
    try {
      check(words)
    } catch (error) {
      // a sentence may name a recipe without its arguments, and a component that it leaves to the reader
      const { message } = error as Error
      if (!/^missing argument|there is no component x$|^--[\w-]+ needs a value|is not .*"x"|"x" is not/.test(message)) throw error
    }
  })
})

describe('the check itself', () => {
  test.each([
    ['just nonsense', 'no recipe'],
    ['just status --nonsense', 'unknown flag'],
    ['just bootstrap --preset huge', 'not one of'],
    ['just bootstrap --only nonsense', 'no component'],
    ['just schedule install rescan --every 15m -- --nonsense', 'unknown flag'],
    ['just scale default', 'missing argument'],
    ['just reconcile --every often', 'not a duration'],
  ])('%s is refused', (text, why) => {
    const [, ...words] = bare(shellCommands(text)[0]!)
    expect(() => check(words)).toThrow(why)
  })

  test('a text is read as a shell reads it', () => {
    const text = `# nothing\nA=1 sudo -E just up \\\n  --max 2 > /dev/null 2>&1 # why\nkubectl get x | jq '.a | .b' && cat <<'E'\njust nonsense\nE\nid=$(just enqueue "a b")`
    expect(shellCommands(text).map(bare)).toEqual([
      ['just', 'up', '--max', '2'],
      ['kubectl', 'get', 'x'],
      ['jq', '.a | .b'],
      ['cat'],
      [],
      ['just', 'enqueue', 'a b'],
    ])
  })
})
