/** `mirrors.yaml`: what this installation mirrors, declared in git. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { ConfigError } from '#lib/config.ts'
import { messageOf, UsageError } from '#lib/errors.ts'
import { parseAccount } from '#lib/forge/listing/account.ts'
import type { MirrorEntry, MirrorsFile } from './file-schema.ts'
import { ruleOf } from './rule.ts'
import type { MirrorRule } from './types.ts'

export interface MirrorsText {
  file: MirrorsFile
  rules: MirrorRule[]
}

/**
 * The rules of a file in their order, each with its line as its `where`. `known`: addresses of forges, for accounts that name a host only. Throws a
 * ConfigError with every mistake on a line of its own, a UsageError when there is no such file.
 */
export async function loadMirrorsFile(path: string, known: readonly string[] = []): Promise<MirrorRule[]> {
  return (await checkMirrors(await readMirrors(path), basename(path), known)).rules
}

/** The text of a file. Throws UsageError when it can't be read. */
export async function readMirrors(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file: copy mirrors.example.yaml, or have mirror-org --save make one'
        : messageOf(error)
    throw new UsageError(`${path}: ${why}`)
  })
}

/** What a text says, or a ConfigError. `name`: the file's, as people are told. */
export async function checkMirrors(text: string, name: string, known: readonly string[] = []): Promise<MirrorsText> {
  const [{ checkYaml }, { mirrorsSchema }] = await Promise.all([import('#lib/yaml-file.ts'), import('./file-schema.ts')])
  const checked = checkYaml(text, name, mirrorsSchema)
  if (!checked.value) throw new ConfigError(checked.problems.join('\n'))
  const { value, lineOf } = checked
  const rules = (value.mirrors ?? []).map((entry, i) =>
    ruleOf(`${name}:${lineOf(['mirrors', i])}`, fromOf(entry, known), { ...policyOf(value.defaults ?? {}), ...policyOf(entry) }),
  )
  return { file: value, rules }
}

/** What an entry is about. */
export function fromOf({ repo, org, group }: MirrorEntry, known: readonly string[] = []): MirrorRule['from'] {
  if (repo !== undefined) return { kind: 'repo', url: repo }
  return { kind: 'account', account: parseAccount(org ?? `gitlab:${group}`, known) }
}

/** The policy as rules have it, without what is not given. */
export function policyOf({ interval, repo: _repo, org: _org, group: _group, ...rest }: MirrorEntry) {
  return { ...rest, ...(interval !== undefined && { intervalMs: interval }) }
}
