import type { Instant } from '@curfew/kernel'

/** A cutoff that kills nothing: what an exception holds for a session that no revocation of its scope has failed to spare. */
export const never = Number.NEGATIVE_INFINITY
/** A cutoff that kills whatever began whenever: sessions, tokens and keys are absolute. */
export const always = Number.POSITIVE_INFINITY
export type Cutoff = Instant | typeof never | typeof always

/**
 * What the denylist knows of one selector: a function from session to cutoff, as a default plus exceptions, and the instant
 * past which nothing it could match is accepted any more (PROTOCOL section 1, I7, I8).
 */
export interface Entry {
  readonly cutoff: number
  readonly exceptions: ReadonlyMap<string, number>
  readonly forgetAfter: Instant
}

/** The entry one revocation makes. A null cutoff is an absolute scope, which spares nobody. */
export function entryOf(cutoff: Instant | null, except: readonly string[], forgetAfter: Instant): Entry {
  if (cutoff === null) return { cutoff: always, exceptions: new Map(), forgetAfter }
  return { cutoff, exceptions: new Map(except.map((id) => [id, never])), forgetAfter }
}

/**
 * Merges two entries of one selector pointwise by max: commutative, associative and idempotent (I1). Keeping one exception list
 * with the higher cutoff would revive a session that the lower one killed; intersecting lists would kill one that was spared.
 */
export function mergeEntries(a: Entry, b: Entry): Entry {
  const cutoff = Math.max(a.cutoff, b.cutoff)
  const exceptions = new Map<string, number>()
  for (const id of [...a.exceptions.keys(), ...b.exceptions.keys()]) {
    const own = Math.max(a.exceptions.get(id) ?? a.cutoff, b.exceptions.get(id) ?? b.cutoff)
    // An exception equal to the default says nothing: dropping it makes equal functions equal values.
    if (own < cutoff) exceptions.set(id, own)
  }
  return { cutoff, exceptions, forgetAfter: Math.max(a.forgetAfter, b.forgetAfter) as Instant }
}

/**
 * The cutoff that holds for a token of this lineage (its own session and those it was derived from): a session derived from a
 * spared one is spared with it. It never revives; it may kill where two revocations spared different members of one lineage.
 */
export function cutoffFor(entry: Entry, lineage: readonly string[]): number {
  let cutoff = entry.cutoff
  for (const id of lineage) cutoff = Math.min(cutoff, entry.exceptions.get(id) ?? entry.cutoff)
  return cutoff
}
