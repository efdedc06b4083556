import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { env, files } from '#lib/contract.ts'

/** Changes with the configuration that an agent reads, and when files of its program were put into place (git, npm: not an editor). */
export function versionOf(root: string, home: string): string {
  const config = [resolve(root, process.env[env.config] || 'raibid.yaml'), join(root, '.env'), join(home, files.gitCredentials)]
  const program = ['agent', 'lib', 'lib/pipeline', 'lib/pipeline/languages', 'lib/queue', 'lib/queue/lua', 'node_modules'].map(
    (name) => join(root, name),
  )
  return [...config, ...program]
    .map((path) => statSync(path, { throwIfNoEntry: false }))
    .map((stat) => stat && `${stat.ino} ${stat.size} ${stat.mtimeMs}`)
    .join()
}
