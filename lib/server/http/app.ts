/** Everything that `serve` answers: webhooks, API, pages, health and metrics. */
import { randomUUID } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { routes } from '#lib/contract.ts'
import { apiApp } from '../api/app.ts'
import type { Api } from '../api/define.ts'
import { pageApp } from '../pages/app.ts'
import type { Authority } from './auth.ts'
import type { Health } from './health.ts'
import { nodeRequest } from './node.ts'
import { problem, problemOf } from './problem.ts'
import { webhooks, type WebhookOptions } from './webhooks.ts'

export interface AppOptions {
  api: Api
  hooks: WebhookOptions
  allow: Authority
  health: Health
  /** The text of /metrics. */
  metrics: () => Promise<string>
  /** A line of the log for each request that is of interest: those that change something, and those that fail. */
  log: (facts: { request: string; method: string; path: string; status: number; ms: number; why?: string }) => void
}

const safety: Record<string, string> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
}

export function serveApp({ api, hooks, allow, health, metrics, log }: AppOptions): Hono {
  const app = new Hono()
  const address = (context: Context): string => nodeRequest(context).socket.remoteAddress ?? ''
  const why = new WeakMap<Request, string>()

  app.use(async (context, next) => {
    const begun = performance.now()
    const request = randomUUID()
    context.header('x-request-id', request)
    for (const [name, value] of Object.entries(safety)) context.header(name, value)
    await next()
    const { method, path } = context.req
    const { status } = context.res
    const told = why.get(context.req.raw)
    if (method !== 'GET' || status >= 400)
      log({ request, method, path, status, ms: Math.round(performance.now() - begun), ...(told && { why: told }) })
  })
  app.onError((error, context) => {
    const refused = problemOf(error)
    why.set(context.req.raw, refused.status === 500 ? (error.stack ?? error.message) : refused.message)
    return problem(context, refused)
  })

  app.route('/', webhooks(hooks))
  app.route(routes.api, apiApp(api, allow, address))
  app.get(routes.healthz, (context) => context.json({ ok: true }))
  app.get(routes.readyz, async (context) => {
    const state = await health()
    return context.json(state, state.ok ? 200 : 503)
  })
  app.get(routes.metrics, async (context) => {
    await allow(context, 'read', address(context))
    return context.body(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  app.route('/', pageApp(api, allow, address))
  return app
}
