import type { OutgoingRecord, Position } from '@curfew/bus'

/** A row in memory between its commit and its acknowledgement. */
export interface Waiting {
  readonly id: string
  readonly record: OutgoingRecord
  readonly bytes: number
  readonly published: (position: Position) => void
  /** True once acknowledged, false once it was left to the sweeper. */
  readonly settled: Promise<boolean>
  readonly settle: (published: boolean) => void
}

/** Requests under way at a time: while one is acknowledged, what was committed meanwhile need not wait for it. Clients keep order up to five. */
const mostRequests = 4
const requestRows = 500
const requestBytes = 1_048_576

/** The rows of one topic. Rows with one key leave one after the other, so that the order of their commits is that of the log as long as nothing fails. */
export class Lane {
  isDown = false
  private rows: Waiting[] = []
  private readonly busy = new Set<string>()
  private requests = 0

  constructor(readonly topic: string) {}

  add(row: Waiting): void {
    this.rows.push(row)
  }

  /** The rows of the next request; none when nothing may leave now. `done` must follow. */
  next(): Waiting[] {
    if (this.requests >= mostRequests || this.rows.length === 0) return []
    const batch: Waiting[] = []
    const kept: Waiting[] = []
    const held = new Set<string>()
    let bytes = 0
    for (const row of this.rows) {
      const { key } = row.record
      const fits = batch.length < requestRows && (batch.length === 0 || bytes + row.bytes <= requestBytes)
      if (fits && (key === null || !(this.busy.has(key) || held.has(key)))) {
        batch.push(row)
        bytes += row.bytes
      } else {
        kept.push(row)
        if (key !== null) held.add(key)
      }
    }
    if (batch.length === 0) return batch
    this.rows = kept
    this.requests++
    for (const { record } of batch) if (record.key !== null) this.busy.add(record.key)
    return batch
  }

  done(batch: readonly Waiting[]): void {
    this.requests--
    for (const { record } of batch) if (record.key !== null) this.busy.delete(record.key)
  }

  /** Empties the lane. */
  drop(): Waiting[] {
    const { rows } = this
    this.rows = []
    return rows
  }
}
