import type { JsonSchema } from '#lib/json-schema.ts'
import { raibidKeys } from './keys.ts'

/** The JSON Schema of `.raibid.yaml`, from the table that checks it. */
export const raibidSchema = (): JsonSchema & { $schema: string; title: string } => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: '.raibid.yaml: how raibid-ci builds this repository',
  ...raibidKeys.schema,
})
