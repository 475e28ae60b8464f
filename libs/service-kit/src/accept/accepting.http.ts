import { Fault } from '@curfew/contracts'
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common'
import type { z } from 'zod'
import { fieldErrors, type Source } from './field-errors.js'
import { repeatedNames } from './form-text.js'

/**
 * A pipe that lets through only what the schema takes, and hands on what the schema makes of it. Everything else is Fault `request.invalid` with a
 * pointer for each objection. Schemas that refuse unknown members (`z.strictObject`) refuse unknown query parameters too.
 */
export const accepting = <T extends z.ZodType>(schema: T): PipeTransform<unknown, z.infer<T>> => ({
  transform: (value: unknown, { type, data }: ArgumentMetadata) => accept(schema, value, type === 'query' || type === 'param' ? type : 'body', data),
})

/** The same for a value that no decorator brings, such as a form. `name` is set where the value is one parameter by itself. */
export function accept<T extends z.ZodType>(schema: T, value: unknown, source: Source, name?: string): z.infer<T> {
  const repeated = source === 'query' && value !== null && typeof value === 'object' ? repeatedNames(value) : []
  if (repeated.length > 0) throw new Fault('request.invalid', { errors: repeated.map((each) => ({ pointer: `?${each}`.slice(0, 256), message: 'is given more than once' })) })
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const errors = fieldErrors(read.error, source)
  throw new Fault('request.invalid', { errors: name === undefined ? errors : errors.map(({ message }) => ({ pointer: source === 'query' ? `?${name}` : `{${name}}`, message })) })
}
