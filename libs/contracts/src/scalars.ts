import { parseInstant, tenantPattern, toIso, type Instant } from '@curfew/kernel'
import { z } from 'zod'

// Postgres text cannot hold NUL, and a lone surrogate has no UTF-8 form: both are refused at the door instead of failing inside.
const storable = /^[^\u0000\p{Surrogate}]*$/u
const printable = /^[^\p{Cc}\p{Surrogate}]+$/u

/** Free text a person may read: any character but NUL and lone surrogates. */
export const text = (max: number) => z.string().max(max).regex(storable, 'must not hold NUL or lone surrogates')
/** A name that is compared: one character at least, none of them a control character. */
export const identifier = (max = 256) => z.string().min(1).max(max).regex(printable, 'must not hold control characters')
/** An instant on the wire (RFC 3339). */
export const instantText = z.string().max(40).refine((value) => parseInstant(value) !== undefined, 'must be an RFC 3339 instant')
  .meta({ format: 'date-time' })
export const tenantText = z.string().regex(tenantPattern)
export const uuid = z.uuid()

/** Reads a wire instant that its schema has already accepted. */
export const readInstant = (value: string): Instant => {
  const at = parseInstant(value)
  if (at === undefined) throw new RangeError(`not an instant: ${value}`)
  return at
}
/** Any accepted spelling in the one this system writes: UTC with milliseconds. */
export const normalInstant = (value: string): string => toIso(readInstant(value))

export const subjectRef = z.strictObject({ issuer: identifier(512).optional(), sub: identifier(512) })
export const resolvedSubject = z.strictObject({ issuer: identifier(512), sub: identifier(512) })
/** Who asked: an OAuth client, a person, a lifecycle signal's source, or one of our services. */
export const initiator = z.strictObject({ kind: z.enum(['client', 'person', 'signal', 'service']), id: identifier(512) })
export type Initiator = z.infer<typeof initiator>
export const reason = z.strictObject({ code: identifier(64), text: text(1024).optional() })
export type Reason = z.infer<typeof reason>
