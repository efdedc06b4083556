import { join } from 'node:path'
import { env as names, files } from '#lib/contract.ts'
import { UsageError } from '#lib/errors.ts'
import { keyFile } from '#lib/key-file.ts'

/**
 * The secrets under which webhooks are accepted: those of RAIBID_WEBHOOK_SECRET (two, separated by a comma, while one is replaced), else the one
 * in RAIBID_HOME, which is made when it is missing and `make` is true. UsageError for one that can be guessed.
 */
export function webhookSecrets(home: string, env: NodeJS.ProcessEnv, make: boolean): string[] {
  const given = (env[names.webhookSecret] ?? '').split(',').filter(Boolean)
  const short = given.find((one) => one.length < 16)
  if (short !== undefined)
    throw new UsageError(`${names.webhookSecret}: a secret of ${short.length} characters can be guessed; at least 16 are needed`)
  if (given.length) return given.slice(0, 2)
  const path = join(home, files.webhookSecret)
  try {
    return [keyFile(path, make)].filter(Boolean)
  } catch (error) {
    if (make) throw error
    return []
  }
}
