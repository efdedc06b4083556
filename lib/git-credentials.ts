import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { env as names, files } from './contract.ts'

/** Who to be towards one git host. */
export interface GitCredential {
  host: string
  user: string
  token: string
}

/** The credentials for git, by host: those of the environment, then those of the file `RAIBID_HOME/git-credentials`. */
export function gitCredentials(env: NodeJS.ProcessEnv, home: string, problems: string[]): GitCredential[] {
  const file = join(home, files.gitCredentials)
  return [
    ...parse(env[names.gitCredentials] ?? '', names.gitCredentials, problems),
    ...parse(read(file, problems), file, problems),
  ]
}

function read(file: string, problems: string[]): string {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) return ''
  if (mode & 0o077) {
    problems.push(`${file}: other users may read it (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${file}`)
    return ''
  }
  return readFileSync(file, 'utf8')
}

function parse(text: string, source: string, problems: string[]): GitCredential[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (!line.trim() || line.startsWith('#')) return []
    const [host, user, token, ...rest] = line.trim().split(/[\t ]+/)
    if (host && user && token && !rest.length) return [{ host, user, token }]
    // Never the line itself: it holds a token.
    problems.push(`${source}: line ${i + 1} is not "host<TAB>user<TAB>token"`)
    return []
  })
}
