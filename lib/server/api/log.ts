import { followLog, type LogEntry } from '#lib/queue/log-reader.ts'
import { isStreamId } from '#lib/queue/stream-ids.ts'
import { nodeResponse } from '../http/node.ts'
import { frame, sse } from '../live/sse.ts'
import { route } from './define.ts'
import { jobName, logQuery } from './schemas.ts'
import { jobNamed } from './jobs.ts'

/** An entry as an event. A cut has no id of its own: who comes back goes on behind what he had. */
export const logFrame = (entry: LogEntry): Buffer => frame(entry.kind, entry, entry.kind === 'cut' ? undefined : entry.id)

async function* lines(entries: AsyncIterable<LogEntry>, format: 'text' | 'json'): AsyncGenerator<string> {
  for await (const entry of entries) {
    if (format === 'json') yield `${JSON.stringify(entry)}\n`
    else if (entry.kind === 'out') yield entry.text
    else if (entry.kind === 'cut') yield `… ${entry.lines} lines cut here …\n`
  }
}

const types = { text: 'text/plain; charset=utf-8', json: 'application/x-ndjson' }

export const logRoutes = [
  route({
    ...{ method: 'get', path: '/jobs/{id}/log', role: 'read', summary: 'Its log: whole as text or JSON lines, or live' },
    ...{ params: jobName, query: logQuery },
    otherwise: {
      'text/plain': 'the output of its steps',
      'application/x-ndjson': 'an entry a line',
      'text/event-stream': 'live, to the event `finish`; resumes behind Last-Event-ID',
    },
    run: async ({ api, context, params, query: { format, after } }) => {
      const { id } = await jobNamed(api, params.id)
      const live = format === 'sse' || (context.req.header('accept') ?? '').includes('text/event-stream')
      const last = context.req.header('last-event-id') ?? ''
      const from = after ?? (isStreamId(last) ? last : '0-0')
      if (!live) {
        const pieces = lines(followLog(api.redis, id, { after: from }), format === 'json' ? 'json' : 'text')
        const stream = ReadableStream.from(encoded(pieces)) as unknown as ReadableStream
        return new Response(stream, {
          headers: { 'content-type': types[format === 'json' ? 'json' : 'text'], 'x-content-type-options': 'nosniff' },
        })
      }
      return sse(nodeResponse(context), async ({ send, end, signal }) => {
        const finish = async (): Promise<void> => {
          const job = await api.reader.job(id)
          end(frame('finish', { state: job?.state ?? 'forgotten', reason: job?.reason ?? '' }))
        }
        await api.logs.watch(id, from, { take: send, end: () => void finish() }, signal)
      })
    },
  }),
]

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const piece of pieces) yield encoder.encode(piece)
}
