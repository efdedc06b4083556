/** Server-sent events, written straight to the socket: a frame is encoded once and shared by all who get it. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { ServerResponse } from 'node:http'

/** What may wait in our memory for one reader, who then is cut off: he can come back and go on where he was. */
export const mostUnsent = 4 * 1024 * 1024
const breath = 15_000

/** One event; `id` is what a reader says it had last when it comes back. */
export function frame(event: string, data: unknown, id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

export interface Stream {
  /** False: the reader is gone, or too slow and cut off. */
  send: (frame: Buffer) => boolean
  end: (last?: Buffer) => void
  signal: AbortSignal
}

/** Begins the answer, and calls `run` with it; gives what the handler returns. */
export function sse(response: ServerResponse, run: (stream: Stream) => Promise<void>): typeof RESPONSE_ALREADY_SENT {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // a proxy that collects would make it late
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  })
  response.flushHeaders()
  // a dead peer is found out, and a proxy keeps the connection
  const beat = setInterval(() => response.write(': \n\n'), breath)
  gone.signal.addEventListener('abort', () => clearInterval(beat))
  const stream: Stream = {
    signal: gone.signal,
    send(bytes) {
      if (gone.signal.aborted) return false
      if (response.writableLength > mostUnsent) {
        response.destroy()
        return false
      }
      response.write(bytes)
      return true
    },
    end(last) {
      clearInterval(beat)
      response.end(last)
    },
  }
  void run(stream).catch(() => response.destroy())
  return RESPONSE_ALREADY_SENT
}
