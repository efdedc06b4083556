import type { Context } from 'hono'
import type { Redis } from 'ioredis'
import type * as z from 'zod/mini'
import type { Config } from '#lib/config.ts'
import type { Role, Tokens } from '#lib/queue/tokens.ts'
import type { Producer } from '#lib/queue/producer.ts'
import type { Reader } from '#lib/queue/reader.ts'
import type { EventHub } from '../live/event-hub.ts'
import type { LogHub } from '../live/log-hub.ts'

/** What the handlers work with. */
export interface Api {
  redis: Redis
  reader: Reader
  jobs: Producer
  config: Config
  /** Names of the pools. */
  pools: string[]
  logs: LogHub
  events: EventHub
  tokens: Tokens
}

type Shape = z.ZodMiniType
type Value<S> = S extends Shape ? z.infer<S> : undefined

export interface Given<P, Q, B> {
  api: Api
  context: Context
  params: P
  query: Q
  body: B
}

/** One route: what validates it and what is documented are the same. */
export interface Route {
  method: 'get' | 'post'
  /** Below /api/v1, with `{name}` for a parameter. */
  path: string
  summary: string
  role: Role
  params?: Shape
  query?: Shape
  body?: Shape
  /** Of a JSON answer. */
  answer?: Shape
  /** Other kinds of answers, by content type, in words. */
  otherwise?: Record<string, string>
  status?: 200 | 201
  run: (given: Given<never, never, never>) => Promise<unknown>
}

/** A route whose handler knows the types of what was validated. What it returns is answered as JSON, unless it is a Response. */
export function route<P extends Shape | undefined, Q extends Shape | undefined, B extends Shape | undefined>(
  own: Omit<Route, 'run' | 'params' | 'query' | 'body'> & {
    params?: P
    query?: Q
    body?: B
    run: (given: Given<Value<P>, Value<Q>, Value<B>>) => Promise<unknown>
  },
): Route {
  return own as unknown as Route
}
