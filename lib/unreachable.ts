import { messageOf } from './errors.ts'

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name can’t be looked up',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  EHOSTUNREACH: 'no way there',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody we trust',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody we trust',
}

/** Why a server gave no answer, in words: of what node's http, or fetch (which hides it in `cause`), has thrown. */
export function whyUnreachable(error: unknown, withinMs?: number): string {
  const { code = '', name, cause } = error as NodeJS.ErrnoException
  if (name === 'TimeoutError' && withinMs) return `no answer within ${withinMs / 1000} s`
  if (reasons[code]) return reasons[code]
  return cause instanceof Error ? whyUnreachable(cause, withinMs) : messageOf(error).trim()
}
