import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { roles, type Role, type TokenView } from '#lib/queue/tokens.ts'
import { Refused } from './problem.ts'
import type { RateLimit } from './rate-limit.ts'

export interface AuthOptions {
  check: (token: string) => Promise<TokenView | null>
  /** May look without a token: pages and the reading half of the API. */
  open: boolean
  limit: RateLimit
}

/** The cookie in which a browser keeps a token that was typed on the login page. */
export const cookie = 'raibid'

const bearer = (header = ''): string | undefined => /^Bearer +(\S+)$/i.exec(header)?.[1]
const may = (own: Role, wanted: Role): boolean => roles.indexOf(own) >= roles.indexOf(wanted)

/** Lets through who may do this; `who` is counted against the limits. Refused (401, 403, 429) otherwise. */
export function authority({ check, open, limit }: AuthOptions) {
  return async function require(context: Context, role: Role, address: string): Promise<void> {
    const given = bearer(context.req.header('authorization'))
    // a cookie comes along with requests that somebody else's page makes: it may only look
    const token = given ?? (role === 'read' ? getCookie(context, cookie) : undefined)
    const view = token === undefined ? null : await check(token)
    limit(view ? `token:${view.id}` : `address:${address}`)
    if (!view) {
      if (token === undefined && open && role === 'read') return
      throw new Refused(
        401,
        token === undefined ? 'a token is needed: just token create' : 'this token is not known, or revoked',
        {
          'www-authenticate': 'Bearer',
        },
      )
    }
    if (!may(view.role, role)) throw new Refused(403, `the token ${view.name} is for ${view.role}, this needs ${role}`)
  }
}

export type Authority = ReturnType<typeof authority>
