import type { OutgoingRecord, Position } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { OutboxRow } from './outbox-statement.js'

export interface PublishOutcome {
  readonly acknowledged: { readonly id: string; readonly position: Position }[]
  /** Rows that failed when sent alone. */
  readonly refused: { readonly id: string; readonly error: unknown }[]
  /** The topic as a whole seems away, and nothing more was tried. What is in neither list was not published, and is not to blame. */
  readonly down?: { readonly cause: unknown }
}

/** Records of one request, and its bytes: below what a broker takes for one partition (2 MiB), as one partition may get them all. */
const requestRows = 500
const requestBytes = 1_048_576

/**
 * Publishes rows of one topic in order and finds the ones that spoil it for the others, by halving what failed. A publisher that calls itself
 * unavailable is put to the proof with one row, taken anywhere: one that no broker takes can look like a broker that is away.
 */
export async function publishIsolating(
  rows: readonly OutboxRow[], publish: (records: OutgoingRecord[]) => Promise<Position[]>, anyOf: (count: number) => number = (count) => Math.floor(Math.random() * count),
): Promise<PublishOutcome> {
  const run = new IsolatingRun(publish, anyOf, rows.length === 1)
  for (const request of requests(rows)) if (!run.down) await run.attempt(request)
  return { acknowledged: run.acknowledged, refused: run.refused, ...(run.down && { down: run.down }) }
}

/** Rows failing alone, one after the other, before the topic is taken to be away. Each costs a failed request, and is put off, so that the next run starts with others. */
const failuresThatSayDown = 2

class IsolatingRun {
  readonly acknowledged: PublishOutcome['acknowledged'] = []
  readonly refused: PublishOutcome['refused'] = []
  down: PublishOutcome['down']
  private failuresInARow = 0

  constructor(
    private readonly publish: (records: OutgoingRecord[]) => Promise<Position[]>, private readonly anyOf: (count: number) => number, private readonly isAlone: boolean,
  ) {}

  async attempt(rows: readonly OutboxRow[]): Promise<void> {
    if (rows.length === 0 || this.down) return
    try {
      await this.send(rows)
    } catch (error) {
      const isProven = this.acknowledged.length > 0
      if (rows.length === 1) this.refuse(rows[0] as OutboxRow, error, isProven)
      else if (isProven || !saysDown(error)) await this.attemptHalves(rows)
      else await this.prove(rows, error)
    }
  }

  private async send(rows: readonly OutboxRow[]): Promise<void> {
    const positions = await this.publish(rows.map(({ record }) => record))
    rows.forEach(({ id }, at) => this.acknowledged.push({ id, position: positions[at] as Position }))
    this.failuresInARow = 0
  }

  private async attemptHalves(rows: readonly OutboxRow[]): Promise<void> {
    const middle = rows.length >> 1
    await this.attempt(rows.slice(0, middle))
    await this.attempt(rows.slice(middle))
  }

  private async prove(rows: readonly OutboxRow[], cause: unknown): Promise<void> {
    const at = this.anyOf(rows.length)
    const sent = await this.send(rows.slice(at, at + 1)).then(() => true, () => false)
    if (sent) await this.attemptHalves(rows.toSpliced(at, 1))
    else this.down = { cause }
  }

  private refuse({ id }: OutboxRow, error: unknown, isProven: boolean): void {
    // With nobody beside it, a row is only to blame when the error says so.
    if (this.isAlone ? !saysRow(error) : saysDown(error) && !isProven) {
      this.down = { cause: error }
      return
    }
    this.refused.push({ id, error })
    if (saysRow(error)) return
    this.failuresInARow++
    if (this.failuresInARow >= failuresThatSayDown) this.down = { cause: error }
  }
}

const saysDown = (error: unknown): boolean => error instanceof Fault && (error.code === 'dependency.unavailable' || error.code === 'service.overloaded')
const saysRow = (error: unknown): boolean => error instanceof Fault && error.onConsume === 'park'

/** In order, as many at a time as fit a request. */
export function requests(rows: readonly OutboxRow[]): OutboxRow[][] {
  const all: OutboxRow[][] = []
  let bytes = Infinity
  for (const row of rows) {
    const size = bytesOf(row.record)
    const current = all.at(-1)
    if (current && current.length < requestRows && bytes + size <= requestBytes) {
      current.push(row)
      bytes += size
    } else {
      all.push([row])
      bytes = size
    }
  }
  return all
}

/** An estimate that errs upwards: text counts three bytes a unit, as much as UTF-8 can need. */
export const bytesOf = ({ key, value, headers }: OutgoingRecord): number =>
  (value?.length ?? 0) + 3 * (key?.length ?? 0) + Object.entries(headers).reduce((sum, [name, text]) => sum + 3 * (name.length + text.length) + 4, 64)
