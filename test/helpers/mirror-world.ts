import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '#lib/config.ts'
import type { Result } from './run-process.ts'

export interface MirrorWorld {
  env: NodeJS.ProcessEnv
  folder: string
  /** Runs `tasks/mirror/<name>.ts` to its end. `onChild`: to kill it on the way. */
  task: (name: string, args?: string[], onChild?: (child: ChildProcess) => void) => Promise<Result>
  /** What it prints as JSON, whatever its exit code. */
  json: <T = any>(name: string, args?: string[]) => Promise<T>
  rules: (text: string) => void
  remove: () => void
}

export interface Server {
  url: string
  token: string
}

/** An installation with our Gitea and one that is the source, both as raibid.yaml has them. */
export function mirrorWorld(ours: Server, source: Server, more: NodeJS.ProcessEnv = {}, extra = ''): MirrorWorld {
  const folder = mkdtempSync(join(tmpdir(), 'raibid-mirrors-'))
  mkdirSync(join(folder, 'home'))
  const secret = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 })
    return join(folder, name)
  }
  const forge = ({ url, token }: Server, name: string): string =>
    `  - { kind: gitea, url: '${url}', tokenFile: '${secret(name, token)}' }\n`
  const forges = forge(ours, 'ours') + (source.url === ours.url ? '' : forge(source, 'source'))
  writeFileSync(join(folder, 'raibid.yaml'), `forges:\n${forges}${extra}`)
  const env = {
    ...process.env,
    ...{
      RAIBID_HOME: join(folder, 'home'),
      RAIBID_CONFIG: join(folder, 'raibid.yaml'),
      RAIBID_MIRRORS: join(folder, 'mirrors.yaml'),
    },
    ...{ RAIBID_REDIS_URL: '', RAIBID_GITEA_TOKEN: '', RAIBID_GITHUB_TOKEN: '', RAIBID_GITLAB_TOKEN: '', ...more },
  }
  function task(name: string, args: string[] = [], onChild: (child: ChildProcess) => void = () => {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(root, `tasks/mirror/${name}.ts`), ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const result: Result = { code: null, signal: null, stdout: '', stderr: '' }
      child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text))
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ ...result, code, signal }))
      onChild(child)
    })
  }
  return {
    ...{ env, folder, task },
    async json(name, args = []) {
      const { stdout, stderr } = await task(name, [...args, '--json'])
      if (!stdout) throw new Error(`${name} printed nothing:\n${stderr}`)
      return JSON.parse(stdout)
    },
    rules: (text) => writeFileSync(join(folder, 'mirrors.yaml'), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
