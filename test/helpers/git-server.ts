import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface GitServerOptions {
  /** The folder whose repositories are served: `<url>/<folder>`. */
  root: string
  /** The address it listens on; default: loopback. */
  address?: string
  /** Then every request needs this login. */
  auth?: { user: string; token: string }
  /** 0: the old protocol, in which a commit that no branch stands on is not given out by its id. */
  protocol?: 0 | 2
  /** Called before each answer; true: it has answered itself. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>
}

export interface GitServer {
  /** `http://127.0.0.1:<port>` */
  url: string
  host: string
  requests: { method: string; url: string; authorization: string | undefined }[]
  close(): Promise<void>
}

/** Serves real repositories over HTTP by git's own `git http-backend`. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const { auth, intercept, address = '127.0.0.1' } = options
  const requests: GitServer['requests'] = []
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    requests.push({ method: request.method!, url: request.url!, authorization })
    const expected = auth && `Basic ${Buffer.from(`${auth.user}:${auth.token}`).toString('base64')}`
    if (expected && authorization !== expected) {
      response.writeHead(authorization ? 403 : 401, { 'WWW-Authenticate': 'Basic realm="git"' }).end()
      return
    }
    void Promise.resolve(intercept?.(request, response)).then((done) => (done ? undefined : serve(request, response, options)))
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const host = `${address}:${port}`
  return {
    url: `http://${host}`,
    host,
    requests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** CGI as far as http-backend needs it (RFC 3875). */
export async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { root, protocol = 2 }: Pick<GitServerOptions, 'root' | 'protocol'>,
): Promise<void> {
  const url = new URL(request.url!, 'http://localhost')
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
  const child = spawn('git', ['-c', 'safe.directory=*', 'http-backend'], {
    env: {
      PATH: process.env['PATH']!,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method!,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      ...(protocol === 2 && { GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {})
  child.stdin.end(body)
  let head = Buffer.alloc(0)
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      response.write(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) continue
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
  }
  response.end()
}
