import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { routes } from '#lib/contract.ts'
import { waitFor } from './wait-for.ts'

const task = fileURLToPath(new URL('../../tasks/pool/serve.ts', import.meta.url))
export const secret = 'a secret of the tests'

/** The control plane as a process of its own, on a free port. */
export async function startServe(env: NodeJS.ProcessEnv, ...args: string[]) {
  let story = ''
  const child: ChildProcess = spawn(process.execPath, [task, ...args], {
    env: { ...process.env, RAIBID_WEBHOOK_SECRET: secret, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (story += String(text)))
  const listens = (): string | undefined => /serve listens url=(\S+)/.exec(story)?.[1]
  await waitFor('serve to listen', () => listens() ?? (child.exitCode !== null ? 'ended' : null), 20_000)
  const url = listens()
  if (!url) throw new Error(`serve ended:\n${story}`)

  const serve = {
    url,
    pid: child.pid!,
    story: () => story,
    get: (path: string, init: RequestInit = {}) => fetch(url + path, init),
    json: async <T>(path: string, init: RequestInit = {}) => (await (await fetch(url + path, init)).json()) as T,
    /** A signed delivery, as Gitea or GitHub sends it. */
    deliver(
      body: string | Uint8Array<ArrayBuffer>,
      {
        event = 'push',
        id = crypto.randomUUID() as string,
        key = secret,
        to = 'gitea' as 'gitea' | 'github',
        headers = {} as Record<string, string>,
      } = {},
    ) {
      const signature = createHmac('sha256', key).update(body).digest('hex')
      return fetch(url + routes.webhook(to), {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          [`x-${to}-event`]: event,
          [`x-${to}-delivery`]: id,
          ...(to === 'gitea' ? { 'x-gitea-signature': signature } : { 'x-hub-signature-256': `sha256=${signature}` }),
          ...headers,
        },
      })
    },
    async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const gone = once(child, 'exit')
      child.kill(signal)
      return ((await gone) as [number | null])[0]
    },
  }
  return serve
}

export type Serve = Awaited<ReturnType<typeof startServe>>

/** A push as Gitea tells it. */
export const pushBody = (more: {
  url: string
  commit: string
  ref?: string
  name?: string
  message?: string
  files?: string[]
}): string => {
  const commit = {
    id: more.commit,
    message: more.message ?? 'change',
    author: { username: 'me' },
    added: more.files ?? ['a'],
    removed: [],
    modified: [],
  }
  return JSON.stringify({
    ref: more.ref ?? 'refs/heads/main',
    before: '1'.repeat(40),
    after: more.commit,
    total_commits: 1,
    commits: [commit],
    head_commit: commit,
    repository: { full_name: more.name ?? 'me/app', clone_url: more.url, default_branch: 'main' },
    pusher: { login: 'me' },
  })
}

/** Reads server-sent events until `enough` says so. */
export async function events(
  url: string,
  enough: (all: { event: string; id: string; data: any }[]) => boolean,
  headers: Record<string, string> = {},
) {
  const stop = new AbortController()
  const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: stop.signal })
  const all: { event: string; id: string; data: any }[] = []
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of answer.body!) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      if (field('event')) all.push({ event: field('event'), id: field('id'), data: JSON.parse(field('data')) })
    }
    if (enough(all)) break
  }
  stop.abort()
  return all
}
