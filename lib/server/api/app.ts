/** /api/v1: every route validated by the shapes that document it. */
import { Hono, type Context } from 'hono'
import * as z from 'zod/mini'
import type { Authority } from '../http/auth.ts'
import { boundedBody, jsonOf } from '../http/body.ts'
import { Refused } from '../http/problem.ts'
import { artifactRoutes } from './artifacts.ts'
import type { Api, Route } from './define.ts'
import { jobRoutes } from './jobs.ts'
import { logRoutes } from './log.ts'
import { openApi } from './openapi.ts'
import { viewRoutes } from './views.ts'

export const apiRoutes: Route[] = [...jobRoutes, ...artifactRoutes, ...logRoutes, ...viewRoutes]

const largest = 256 * 1024

export function apiApp(api: Api, allow: Authority, addressOf: (context: Context) => string): Hono {
  const app = new Hono()
  app.get('/openapi.json', (context) => context.json(openApi(apiRoutes)))
  for (const one of apiRoutes)
    app.on(one.method, one.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
      await allow(context, one.role, addressOf(context))
      const given = {
        ...{ api, context },
        params: one.params && checked(one.params, context.req.param()),
        query: one.query && checked(one.query, context.req.query()),
        body: one.body && checked(one.body, jsonOf(await jsonBody(context))),
      }
      const answer = await one.run(given as never)
      return answer instanceof Response ? answer : context.json(answer as object, one.status ?? 200)
    })
  app.all('*', () => {
    throw new Refused(404, 'there is no such route; see /api/v1/openapi.json')
  })
  return app
}

async function jsonBody(context: Context): Promise<Uint8Array> {
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? ''))
    throw new Refused(415, 'the body must be application/json')
  return boundedBody(context, largest)
}

function checked(shape: z.ZodMiniType, value: unknown): unknown {
  const result = z.safeParse(shape, value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.map((key) => key.slice(0, 60)).join(', ')}: there is no such key`
      : `${issue.path.join('.') || 'the body'}: ${issue.message}`,
  )
  throw new Refused(400, problems.slice(0, 20).join('; '))
}
