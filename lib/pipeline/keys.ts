/** The keys of `.raibid.yaml`: one line each in the tables below, from which `just lint --schema` and the README are made, too. */
import {
  isShared,
  keyProblem,
  most,
  overlapping,
  pathProblem as cachePathProblem,
  sharedFolders,
  type CacheSpec,
} from '#lib/cache/spec.ts'
import type { JsonSchema } from '#lib/json-schema.ts'
import { pathProblem } from '#lib/artifacts/path.ts'
import { duration, flag, line, script, written } from './values.ts'
import { about, check, entries, list, mapping, shown, type Check, type Place } from './yaml-check.ts'

const maxSteps = 200
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/
const ours = /^RAIBID_/

const name = { pattern: '^(?!RAIBID_)[A-Za-z_][A-Za-z0-9_]*$' }

function isName(text: string, place: Place): boolean {
  if (!variableName.test(text)) place.problem('is not a name for an environment variable')
  else if (ours.test(text)) place.problem('names that begin with RAIBID_ are kept for raibid-ci')
  else return true
  return false
}

const variables: Check<Record<string, string>> = check(
  { type: 'object', propertyNames: name, additionalProperties: { type: ['string', 'number', 'boolean'] } },
  (place) => {
    const found = entries((text, value, key) => {
      isName(text, key)
      return written(value) ?? ''
    })(place)
    return found && Object.fromEntries(found)
  },
)

const secret: Check<string> = check({ type: 'string', ...name }, (place) => {
  const value = line(place)
  return value !== undefined && isName(value, place) ? value : undefined
})

/** A pattern of files in the workspace. */
const filePattern: Check<string> = check({ ...line.schema, pattern: '^(?![/~])(?!(?:.*/)?\\.\\.(?:/|$)).*\\S' }, (place) => {
  const value = line(place)
  if (value === undefined) return undefined
  const problem = pathProblem(value.replace(/^(?:\.\/)+/, '').replace(/\/+$/, ''))
  return problem ? place.problem(problem) : value
})

/** One name that `problem` has nothing against; the slash at the end of a folder is left out. */
const cached = (problem: (text: string) => string | null, schema: JsonSchema): Check<string> =>
  check({ type: 'string', ...schema }, (place) => {
    const value = line(place)?.replace(/(?<=[^/])\/$/, '')
    const wrong = value === undefined ? null : problem(value)
    return wrong === null ? value : place.problem(`${shown(place)} ${wrong}`)
  })

/** A name in the repository, for editors: what keyProblem says. */
const inside = '(?![~/])(?!(?:[^]*/)?(?:\\.|\\.\\.|\\.git)(?:/|$))(?![^]*//)[^]'

const cache = mapping(
  {
    key: about(
      'Files whose content decides which state of the cache is restored: `Cargo.lock`, `**/go.sum`',
      list(cached(keyProblem, { pattern: `^${inside}` }), most.entries),
    ),
    paths: about(
      'What is kept: folders or files in the workspace, or folders of registries such as `~/.cargo/registry`, which jobs share in place',
      list(
        cached(cachePathProblem, {
          pattern: `^(?:${sharedFolders.map((path) => path.replace('.', '\\.')).join('|')})$|^(?![^]*[*?])${inside}`,
        }),
        most.entries,
      ),
    ),
  },
  ['key', 'paths'],
)

/** A wrong list is not there, and has been reported. */
const own = ({ paths }: Partial<CacheSpec>): string[] => paths?.filter((path) => !isShared(path)) ?? []

const caches: Check<CacheSpec[]> = check(list(cache, most.caches).schema, (place) => {
  const found = list(cache, most.caches)(place)
  const twice = found && overlapping(found.flatMap(own))
  return twice === undefined ? found : place.problem(`${JSON.stringify(twice)} is there twice, or lies in another path`)
})

const step = mapping(
  {
    name: about('What the step is called (default: the first line of its script)', line),
    run: about('Its script, run by `bash -eo pipefail` in the workspace', script),
    timeout: about('Time that it may take: 90s, 10m, 1h30m', duration),
    independent: about('No later step needs what it makes: `just retry --failed-only` leaves it out once it has passed', flag),
    branches: about('Run only on these: names, or patterns such as `release/*` (`**` also matches slashes)', list(line, 50)),
  },
  ['run'],
)

export const raibidKeys = mapping(
  {
    timeout: about('Time that all steps together may take: 90s, 10m, 1h30m', duration),
    env: about('Variables for every step', variables),
    secrets: about(
      'Names of secrets without which the build can’t work: a job that was not given them fails at once',
      list(secret, 50),
    ),
    cache: about('What is kept from one build to the next', caches),
    artifacts: about(
      'Files that the job keeps, also when a step fails: paths with `*` and `?` within a part, `**` for any folders; a folder means all in it',
      list(filePattern, 50),
    ),
    reports: about('JUnit files that its tests write, read and not kept: paths as under `artifacts`', list(filePattern, 50)),
    steps: about('What is run, in this order, until one fails', list(step, maxSteps)),
  },
  ['steps'],
)
