import { existsSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { ConfigFile } from './config-schema.ts'
import { env as names, files } from './contract.ts'

/** What just does by `dotenv-load`, for a task that runs without just. */
export function loadDotenv(root: string): void {
  const file = join(root, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

/** raibid.yaml, or the file that is named; what is wrong with it is added to the problems. */
export async function readConfigFile(root: string, env: NodeJS.ProcessEnv, problems: string[]): Promise<ConfigFile> {
  const named = env[names.config]
  const path = resolve(root, named || 'raibid.yaml')
  if (!existsSync(path)) {
    if (named) problems.push(`${names.config}: there is no file ${path}`)
    return {}
  }
  const [{ checkYaml }, { configSchema }] = await Promise.all([import('./yaml-file.ts'), import('./config-schema.ts')])
  const checked = checkYaml(readFileSync(path, 'utf8'), named ? path : basename(path), configSchema)
  problems.push(...checked.problems)
  return checked.value ?? {}
}

/** What a local pool says its Redis is; beside a cluster that counts as long as the pool is at work. */
export function noted(home: string): string | null {
  const file = join(home, files.redisUrl)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || null : null
}
