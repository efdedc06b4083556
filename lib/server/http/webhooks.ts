/** `POST /webhooks/gitea` and `/webhooks/github`: a signed push becomes a job, or an answer that says why not. */
import { Hono } from 'hono'
import type { RepositoryPolicy } from '#lib/config-repositories.ts'
import type { Forge } from '#lib/config.ts'
import { routes } from '#lib/contract.ts'
import { heads } from '#lib/queue/heads.ts'
import { deliver, type Delivered, type DeliverOptions } from '../hooks/deliver.ts'
import type { RepoRef } from '../hooks/event.ts'
import { decideAsking } from '../hooks/forced.ts'
import { readPayload } from '../hooks/payload.ts'
import { isSigned } from '../hooks/signature.ts'
import { boundedBody, jsonOf } from './body.ts'
import { Refused } from './problem.ts'

export interface WebhookOptions extends DeliverOptions {
  /** Those that are valid now. Without any, nothing is accepted. */
  secrets: readonly string[]
  policies: RepositoryPolicy[]
  forges: Forge[]
  /** What became of each delivery. */
  tell: (forge: RepoRef['forge'], outcome: Delivered['outcome'] | 'refused', facts: Record<string, string>) => void
}

/** GitHub itself sends at most 25 MB, and says that a push of that size is none that a CI should look at. */
const largest = 5 * 1024 * 1024

const names = {
  gitea: { event: 'x-gitea-event', delivery: 'x-gitea-delivery', signature: 'x-gitea-signature' },
  github: { event: 'x-github-event', delivery: 'x-github-delivery', signature: 'x-hub-signature-256' },
} as const

export function webhooks(options: WebhookOptions): Hono {
  const app = new Hono()
  const store = heads(options.redis)
  for (const forge of ['gitea', 'github'] as const)
    app.post(routes.webhook(forge), async (context) => {
      const header = names[forge]
      const event = (context.req.header(header.event) ?? '').slice(0, 100)
      try {
        // whose body it is must be known before anything of it is believed
        const body = await boundedBody(context, largest)
        if (!isSigned(body, context.req.header(header.signature), options.secrets))
          throw new Refused(401, 'the signature is missing or wrong: the secret of the webhook is not the one of this serve')
        const delivery = context.req.header(header.delivery) ?? ''
        if (!/^[\w-]{1,100}$/.test(delivery)) throw new Refused(400, `the header ${header.delivery} is missing or no id`)
        const told = readPayload(forge, event, jsonOf(formless(body, context.req.header('content-type'))))
        if (typeof told === 'string') throw new Refused(400, told)
        const done = await deliver(options, forge, delivery, await decideAsking(told, options.policies, options.forges))
        if (told.kind === 'push') {
          const { repo, ref, commit } = told
          await store.remember(repo)
          // whoever looks for pushes that were not told need not find this one
          if (ref.kind === 'branch') await store.moved(repo.url, ref.name, commit)
        }
        options.tell(forge, done.outcome, { event, delivery, ...(done.job && { job: done.job }), reason: done.reason })
        return context.json(done, done.outcome === 'enqueued' || done.outcome === 'held' ? 201 : 200)
      } catch (error) {
        options.tell(forge, 'refused', { event, reason: error instanceof Error ? error.message : '' })
        throw error
      }
    })
  return app
}

/** A webhook may be set to send a form, with the JSON in its one field. */
function formless(body: Uint8Array, type = ''): Uint8Array {
  if (!type.startsWith('application/x-www-form-urlencoded')) return body
  const payload = new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload')
  return Buffer.from(payload ?? '')
}
