import type { Context } from 'hono'
import { Refused } from './problem.ts'

/**
 * The body's bytes, of at most `limit`: what announces more is refused unread, what sends more is cut off. Refused (413, 400) otherwise.
 */
export async function boundedBody(context: Context, limit: number): Promise<Uint8Array> {
  const announced = Number(context.req.header('content-length') ?? 0)
  const tooLarge = new Refused(413, `the body is larger than ${limit} bytes`, { connection: 'close' })
  if (announced > limit) throw tooLarge
  const stream = context.req.raw.body
  if (!stream) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.byteLength
      if (size > limit) throw tooLarge
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused(400, 'the body ended before it was whole', { connection: 'close' })
  }
  return Buffer.concat(chunks)
}

/** Deeper than any forge nests; JSON.parse itself is fine with it, what walks the value later need not be. */
const deepest = 64

/** The body as JSON. Refused (400) for what is none, is not UTF-8, or nests too deep. */
export function jsonOf(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refused(400, 'the body is not UTF-8')
  }
  if (isDeep(text)) throw new Refused(400, `the body nests deeper than ${deepest} levels`)
  try {
    return JSON.parse(text)
  } catch {
    throw new Refused(400, 'the body is not JSON')
  }
}

function isDeep(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (quoted) {
      if (code === 92) i++
      else if (code === 34) quoted = false
    } else if (code === 34) quoted = true
    else if (code === 123 || code === 91) {
      if (++depth > deepest) return true
    } else if (code === 125 || code === 93) depth--
  }
  return false
}
