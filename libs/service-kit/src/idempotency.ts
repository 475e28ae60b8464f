import { Fault } from '@curfew/contracts'
import { canonicalJson } from '@curfew/kernel'
import { createHash } from 'node:crypto'

/** Visible ASCII: no space, so two headers that a proxy joined are no key either. */
const keyPattern = /^[\x21-\x7e]{1,255}$/

/** The `Idempotency-Key` of a request, undefined when it names none. Fault `request.invalid` for what is no key. */
export function idempotencyOf(request: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }): string | undefined {
  const given = request.headers['idempotency-key']
  if (given === undefined) return undefined
  if (typeof given !== 'string' || !keyPattern.test(given)) throw new Fault('request.invalid', { detail: 'Idempotency-Key must be given once, as 1 to 255 visible ASCII characters' })
  return given
}

/** One text for one request whatever the order of its members: what tells a repeat from another request under the same key. */
export const requestHashOf = (body: unknown, query?: unknown): string => createHash('sha256').update(canonicalJson([body, query])).digest('base64url')
