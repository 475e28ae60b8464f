import { readInstant, type DecidedScope, type RevocationRecord } from '@curfew/contracts'
import { cutoffFor, entryOf, mergeEntries, type Entry } from '@curfew/denylist'
import type { Instant } from '@curfew/kernel'

/** Tokens and keys end with a token: the session behind them goes on and may mint another. */
export const endsSessions = (scope: DecidedScope): boolean => scope.kind !== 'token' && scope.kind !== 'key'

/** What a revocation adds to what is known of its selector. */
export const entryOfRecord = ({ cutoff, except, forgetAfter }: RevocationRecord): Entry =>
  entryOf(cutoff === null ? null : readInstant(cutoff), except, readInstant(forgetAfter))

/** What is known with the record, and whether it says anything new: an older or repeated revocation does not (I1). */
export function mergedEntry(known: Entry | undefined, added: Entry): { entry: Entry; isNew: boolean } {
  const entry = mergeEntries(known ?? added, added)
  return { entry, isNew: known === undefined || !isSameFunction(known, entry) }
}

function isSameFunction(a: Entry, b: Entry): boolean {
  return a.cutoff === b.cutoff && a.exceptions.size === b.exceptions.size && [...a.exceptions].every(([id, cutoff]) => b.exceptions.get(id) === cutoff)
}

export interface Candidate {
  readonly id: string
  /** The session and those it was derived from. */
  readonly lineage: readonly string[]
  readonly beganAt: Instant
}

/** Judges an inventory row as a gateway judges its tokens: by the merged entry, with its whole lineage (I3, I7). */
export const isEndedBy = (entry: Entry, { lineage, beganAt }: Candidate): boolean => beganAt <= cutoffFor(entry, lineage)
