/** Variables and secrets of a job, as its caller gives them. */
import type { Config } from '#lib/config.ts'
import { env } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'

/** The variables of `--env NAME=value`. UsageError for what is none. */
export function envOf(list: string[]): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const pair of list) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) throw new UsageError(`--env: ${JSON.stringify(pair.slice(0, 80))} is not NAME=value`)
    variables[name] = value!
  }
  return variables
}

/** The values of `--secret NAME`, from our own environment. UsageError that names those that are not set. */
export function secretsOf(names: string[]): Record<string, string> {
  const missing = names.filter((name) => !process.env[name])
  if (missing.length)
    throw new UsageError(`--secret: ${missing.join(', ')} is not set in this environment; a secret's value is never an argument`)
  return Object.fromEntries(names.map((name) => [name, process.env[name]!]))
}

/** The secrets of job `id`, sealed with the key of the cluster that is worked with, else of this installation, which is made where there is none. */
export async function sealed(
  values: Record<string, string>,
  { home, cluster }: Pick<Config, 'home' | 'cluster'>,
  id: string,
): Promise<string> {
  const { seal, secretKey } = await import('#lib/seal.ts')
  return seal(values, secretKey(home, true, process.env[env.secretKey] || cluster?.secretKey), id)
}
