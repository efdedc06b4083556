import { hostname } from 'node:os'
import { redactText } from './redact.ts'
import type { Notice } from './reconcile.ts'
import { whyUnreachable } from '#lib/unreachable.ts'

export interface NotifyOptions {
  /** Where to post; null: nowhere. It may hold a token, so it is never shown. */
  webhook: string | null
  /** The log. */
  tell: (text: string) => void
  withinMs?: number
}

/** Tells a person by the log and by a webhook (one JSON document with `text`, as Slack, Mattermost and ntfy take it). Throws nothing. */
export async function notify(notice: Notice, { webhook, tell, withinMs = 5000 }: NotifyOptions): Promise<void> {
  const reason = redactText(notice.reason).slice(0, 500)
  const text = `raibid-ci on ${hostname()}: ${notice.component} ${notice.state === 'healthy' ? 'is healthy again' : `needs a person: ${reason}`}`
  tell(text)
  if (!webhook) return
  try {
    const answer = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, ...notice, reason, host: hostname() }),
      redirect: 'error',
      signal: AbortSignal.timeout(withinMs),
    })
    await answer.body?.cancel()
    if (!answer.ok) tell(`the webhook for notices answers ${answer.status}: nobody was told by it`)
  } catch (error) {
    tell(`the webhook for notices can't be reached (${whyUnreachable(error, withinMs)}): nobody was told by it`)
  }
}
