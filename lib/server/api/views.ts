import { iso } from '#lib/cli/time.ts'
import { poolNotes } from '#lib/queue/notes.ts'
import { isStreamId } from '#lib/queue/stream-ids.ts'
import { frame, sse } from '../live/sse.ts'
import { nodeResponse } from '../http/node.ts'
import { route, type Api } from './define.ts'
import { agentsView, queueView } from './schemas.ts'

const counted = async ({ reader, redis, pools }: Api) => {
  const [counts, notes] = await Promise.all([reader.counts(pools), poolNotes(redis)])
  return counts.map((one) => ({ ...one, note: notes.find(({ pool }) => pool === one.pool)?.text ?? null }))
}

export const viewRoutes = [
  route({
    ...{ method: 'get', path: '/queue', role: 'read', summary: 'How much waits, runs and is delayed', answer: queueView },
    run: async ({ api }) => {
      const [pools, { held, dead }] = await Promise.all([counted(api), api.reader.totals()])
      return { pools, held, dead }
    },
  }),
  route({
    ...{ method: 'get', path: '/agents', role: 'read', summary: 'The agents and what they are at', answer: agentsView },
    run: async ({ api }) => ({
      agents: (await api.reader.agents()).map(({ beatAt, ...agent }) => ({ ...agent, beatAt: iso(beatAt) })),
    }),
  }),
  route({
    ...{ method: 'get', path: '/pools', role: 'read', summary: 'The pools and what is wrong with them' },
    run: async ({ api }) => ({ pools: await counted(api) }),
  }),
  route({
    ...{
      method: 'get',
      path: '/events',
      role: 'read',
      summary: 'Every change of state as it happens; resumes behind Last-Event-ID',
    },
    otherwise: { 'text/event-stream': 'an event `state` for each change' },
    run: ({ api, context }) => {
      const last = context.req.header('last-event-id') ?? ''
      return Promise.resolve(
        sse(nodeResponse(context), async ({ send, signal }) => {
          const shown = (change: { id: string }) => send(frame('state', change, change.id))
          let early: { id: string }[] | null = []
          const off = api.events.on((change) => void (early ? early.push(change) : shown(change)))
          signal.addEventListener('abort', off)
          const missed = isStreamId(last) ? await api.events.since(last) : []
          const told = new Set(missed.map(({ id }) => id))
          for (const change of missed) shown(change)
          for (const change of early) if (!told.has(change.id)) shown(change)
          early = null
        }),
      )
    },
  }),
]
