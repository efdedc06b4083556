import { bounded } from '../call.ts'

const redirects = [301, 302, 307, 308]
const bodiless = [204, 205, 304]
const mostHops = 3

/**
 * A `fetch` that follows a redirect on the same server only, for the token is no other's business (elsewhere: the answer is the redirect
 * itself), reads no more than fits, and tells of each request that it makes.
 */
export function carefulFetch(counted: () => void): typeof fetch {
  return async (input, init) => {
    let url = input instanceof Request ? input.url : String(input)
    for (let hops = 0; ; hops++) {
      counted()
      const response = await fetch(url, { ...init, redirect: 'manual' })
      const { status, headers } = response
      const next = redirects.includes(status) ? placeAt(headers.get('location'), url) : null
      if (next && next.origin === new URL(url).origin && hops < mostHops) {
        await response.body?.cancel()
        url = next.href
        continue
      }
      const text = await bounded(response)
      return new Response(bodiless.includes(status) ? null : text, { status, headers })
    }
  }
}

function placeAt(location: string | null, base: string): URL | null {
  if (!location || !URL.canParse(location, base)) return null
  return new URL(location, base)
}
