/**
 * A point in time, in whole milliseconds since the Unix epoch, UTC. It does not say whose clock read it:
 * cutoffs and began-at instants come from the primary database's clock (I4), deadlines from a monotonic one.
 */
export type Instant = number & { readonly __unit: 'ms since epoch' }

export const instant = (ms: number): Instant => {
  if (!Number.isFinite(ms)) throw new RangeError(`not an instant: ${ms}`)
  return Math.floor(ms) as Instant
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** Reads an RFC 3339 instant; sub-millisecond digits are dropped towards the past. Undefined when it is not one. */
export function parseInstant(text: string): Instant | undefined {
  if (!rfc3339.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : instant(ms)
}

/** RFC 3339, UTC, three decimals: `2026-11-23T20:15:04.123Z`. */
export const toIso = (at: Instant): string => new Date(at).toISOString()
