import { z } from 'zod'

export type JsonSchema = Record<string, unknown>

/** The schema of what a caller may send: defaults make a member optional, unknown members are as the schema says. */
export const requestSchema = (schema: z.ZodType): JsonSchema => bare(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))

/** The schema of what is answered. Answers may grow, so a reader must not insist on knowing every member. */
export const answerSchema = (schema: z.ZodType): JsonSchema => bare(z.toJSONSchema(schema, {
  io: 'output', unrepresentable: 'any',
  override: ({ zodSchema, jsonSchema }) => {
    const { def } = zodSchema._zod
    if (def.type === 'object' && (def as z.core.$ZodObjectDef).catchall === undefined) delete jsonSchema.additionalProperties
  },
}))

/** The schema of a message's data, in the dialect that AsyncAPI tools read. */
export const messageSchema = (schema: z.ZodType): JsonSchema => bare(z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' }))

function bare(schema: object): JsonSchema {
  const { $schema: _, '~standard': __, ...rest } = schema as JsonSchema
  return rest
}
