import * as z from 'zod/mini'
import { version } from '../version.ts'
import type { Route } from './define.ts'

const schemaOf = (shape: z.ZodMiniType, io: 'input' | 'output'): object => {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' }) as Record<string, unknown>
  return schema
}

interface ObjectSchema {
  properties?: Record<string, object>
  required?: string[]
}

/** The document of OpenAPI 3.1, made of the routes and of nothing else. */
export function openApi(routes: Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operation(route)
  return {
    openapi: '3.1.0',
    info: { title: 'raibid-ci', version, description: 'Jobs, logs and agents of one installation.' },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Made by `just token create`' } },
      schemas: { Problem: problem },
    },
  }
}

const problem = {
  type: 'object',
  properties: { type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' } },
  required: ['title', 'status', 'detail'],
}

function operation({ summary, role, params, query, body, answer, otherwise, status = 200 }: Route): object {
  const parameters = [...listed('path', params), ...listed('query', query)]
  const content = {
    ...(answer && { 'application/json': { schema: schemaOf(answer, 'output') } }),
    ...(otherwise &&
      Object.fromEntries(
        Object.entries(otherwise).map(([type, description]) => [type, { schema: { type: 'string', description } }]),
      )),
  }
  return {
    summary,
    description: `Needs a token for \`${role}\`.`,
    ...(parameters.length && { parameters }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status]: { description: summary, ...(Object.keys(content).length && { content }) },
      default: {
        description: 'What is wrong, in words',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function listed(where: 'path' | 'query', shape: z.ZodMiniType | undefined): object[] {
  if (!shape) return []
  const { properties = {}, required = [] } = schemaOf(shape, 'input') as ObjectSchema
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: where, schema },
    required: where === 'path' || required.includes(name),
  }))
}
