import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The answer as node has it, for what is written to the socket as it comes. */
export const nodeResponse = (context: Context): ServerResponse => (context.env as HttpBindings).outgoing as ServerResponse
export const nodeRequest = (context: Context): IncomingMessage => (context.env as HttpBindings).incoming as IncomingMessage
