import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

export interface RegistryOptions {
  /** Bytes by path: `/v2/library/redis/manifests/8`, or any file. */
  content: Record<string, string>
  /** Every manifest needs a token, as at Docker Hub. */
  token?: string
  /** It doesn't say digests itself. */
  silent?: boolean
}

export const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

/** As much of a registry and of a site with releases as `just pin` asks. */
export async function startRegistry({ content, token, silent }: RegistryOptions) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://registry')
    requests.push(`${request.method} ${pathname}${search}`)
    if (pathname === '/token') return void response.end(JSON.stringify({ token }))
    if (token && pathname.startsWith('/v2/') && request.headers.authorization !== `Bearer ${token}`) {
      const scope = `repository:${pathname.split('/').slice(2, -2).join('/')}:pull`
      const challenge = `Bearer realm="${url}/token",service="registry.test",scope="${scope}"`
      return void response.writeHead(401, { 'www-authenticate': challenge }).end()
    }
    const body = content[pathname]
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, silent || !pathname.startsWith('/v2/') ? {} : { 'docker-content-digest': digest(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  return { url, requests, close: () => new Promise((resolve) => server.close(resolve)) }
}
