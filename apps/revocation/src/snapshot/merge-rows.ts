import { mergeEntries, type Entry } from '@curfew/denylist'

/** One live revocation of a selector, as an entry of its own. */
export interface SelectorRow {
  readonly selector: string
  readonly entry: Entry
}

/**
 * Merges revocations into the denylist's entries while they stream by, grouped by selector: only one entry is held at a time, so a
 * snapshot needs memory for its text and not for a second denylist. What is not grouped would be two entries of one selector.
 */
export class MergedEntries {
  private open: SelectorRow | undefined

  /** The entry that this row completes, if it begins another selector. */
  push(row: SelectorRow): SelectorRow | undefined {
    const { open } = this
    if (open !== undefined && open.selector === row.selector) {
      this.open = { selector: row.selector, entry: mergeEntries(open.entry, row.entry) }
      return undefined
    }
    // Merged with itself an entry loses the exceptions that say nothing: equal functions are equal values.
    this.open = { selector: row.selector, entry: mergeEntries(row.entry, row.entry) }
    return open
  }

  end(): SelectorRow | undefined {
    const { open } = this
    this.open = undefined
    return open
  }
}

const finite = (cutoff: number): number | null => (Number.isFinite(cutoff) ? cutoff : null)

/** An entry as a snapshot document holds it: null is absolute in a cutoff, and "spared by all" in an exception. */
export const entryText = ({ selector, entry }: SelectorRow): string => JSON.stringify({
  selector, cutoff: finite(entry.cutoff), exceptions: [...entry.exceptions].map(([id, cutoff]) => [id, finite(cutoff)]), forgetAfter: entry.forgetAfter,
})
