/** The pages: server-rendered, readable without JavaScript, live with it. */
import { readFileSync } from 'node:fs'
import { Hono, type Context } from 'hono'
import { setCookie } from 'hono/cookie'
import { html } from 'hono/html'
import { explain } from '#lib/jobs/why/explain.ts'
import { factsOf } from '#lib/jobs/why/facts.ts'
import { shortRepo } from '#lib/jobs/show.ts'
import { followLog } from '#lib/queue/log-reader.ts'
import { isCursor, pageOf } from '#lib/queue/pages.ts'
import { jobStates, type JobState } from '#lib/queue/types.ts'
import type { Api } from '../api/define.ts'
import { jobNamed } from '../api/jobs.ts'
import { cookie, type Authority } from '../http/auth.ts'
import { Refused } from '../http/problem.ts'
import { badge } from './badge.ts'
import { jobPage } from './job.ts'
import { layout, type Html } from './layout.ts'
import { listPage } from './list.ts'
import { gatherLog } from './log-view.ts'

const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' }
const statics = new Map(
  (['page.css', 'live.js', 'ansi.js', 'icon.svg'] as const).map((name) => [
    name,
    {
      text: readFileSync(new URL(`static/${name}`, import.meta.url), 'utf8'),
      type: types[name.split('.')[1] as keyof typeof types],
    },
  ]),
)

const login = (wrong: boolean): Html =>
  layout(
    'Token · raibid-ci',
    html`<h1>A token is needed</h1>
      ${wrong ? html`<p class="failed">This token is not known, or revoked.</p>` : ''}
      <form method="post" action="/login">
        <label for="token">Token (<code>just token create</code>)</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required />
        <button>Look</button>
      </form>`,
  )

export function pageApp(api: Api, allow: Authority, addressOf: (context: Context) => string): Hono {
  const app = new Hono()
  const page = async (context: Context, make: () => Promise<Html>): Promise<Response> => {
    try {
      await allow(context, 'read', addressOf(context))
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return context.html(login(false), 401)
      throw error
    }
    return context.html(await make(), 200, { 'cache-control': 'no-store' })
  }

  app.get('/static/:name', (context) => {
    const found = statics.get(context.req.param('name') as 'page.css')
    if (!found) throw new Refused(404, 'there is no such file')
    return context.body(found.text, 200, { 'content-type': found.type, 'cache-control': 'max-age=300' })
  })

  app.post('/login', async (context) => {
    const token = String((await context.req.parseBody())['token'] ?? '').slice(0, 100)
    const known = await api.tokens.check(token)
    if (!known) return context.html(login(true), 401)
    setCookie(context, cookie, token, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure: context.req.url.startsWith('https:'),
    })
    return context.redirect('/', 303)
  })

  app.get('/', (context) =>
    page(context, async () => {
      const { cursor, repo, branch, state } = context.req.query()
      const filter = {
        ...(repo && { repo }),
        ...(branch && { branch }),
        ...(jobStates.includes(state as JobState) && { state: state as JobState }),
      }
      const [found, pools] = await Promise.all([
        pageOf(api.redis, { ...filter, limit: 30, cursor: cursor && isCursor(cursor) ? cursor : undefined }),
        api.reader.counts(api.pools),
      ])
      const more = found.next === null ? null : `/?${new URLSearchParams({ ...filter, cursor: found.next }).toString()}`
      const words = [repo && shortRepo(repo), branch, filter.state].filter(Boolean).join(' ')
      return listPage({ ...found, pools, filter: words, more })
    }),
  )

  app.get('/jobs/:id', (context) =>
    page(context, async () => {
      const job = await jobNamed(api, context.req.param('id')!)
      const log = await gatherLog(followLog(api.redis, job.id))
      return jobPage({ job, why: explain(job, await factsOf(api, job)), log })
    }),
  )

  app.get('/jobs/:id/log', async (context) => {
    const { id } = await jobNamed(api, context.req.param('id'))
    return context.redirect(`/api/v1/jobs/${id}/log`)
  })

  app.get('/badge.svg', async (context) => {
    await allow(context, 'read', addressOf(context))
    const { repo = '', branch = 'main' } = context.req.query()
    const { jobs } = await pageOf(api.redis, { repo, branch, limit: 1 })
    return context.body(String(await badge(branch.slice(0, 60), jobs[0]?.state ?? null)), 200, {
      'content-type': 'image/svg+xml; charset=utf-8',
      'cache-control': 'no-cache',
    })
  })
  return app
}
