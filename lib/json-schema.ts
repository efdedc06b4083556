/** The part of JSON Schema (draft 7) that our files need. */
export interface JsonSchema {
  description?: string
  type?: string | readonly string[]
  properties?: Record<string, JsonSchema>
  required?: readonly string[]
  additionalProperties?: JsonSchema | boolean
  propertyNames?: JsonSchema
  items?: JsonSchema
  pattern?: string
  minItems?: number
  maxItems?: number
  maxLength?: number
}
