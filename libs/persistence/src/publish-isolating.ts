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
 * Publishes rows of one topic in order and finds the ones that spoil it for the others, by halving what failed. Rows failing alone while
 * none gets through say that the topic is away; a publisher that tells which it is is believed at once.
 */
export async function publishIsolating(rows: readonly OutboxRow[], publish: (records: OutgoingRecord[]) => Promise<Position[]>): Promise<PublishOutcome> {
  const acknowledged: { id: string; position: Position }[] = []
  const refused: { id: string; error: unknown }[] = []
  let down: { cause: unknown } | undefined

  const attempt = async (some: readonly OutboxRow[]): Promise<void> => {
    try {
      const positions = await publish(some.map(({ record }) => record))
      some.forEach(({ id }, at) => acknowledged.push({ id, position: positions[at] as Position }))
    } catch (error) {
      if (told(error, 'halt')) down = { cause: error }
      else if (some.length === 1) refuse(some[0] as OutboxRow, error)
      else await attemptHalves(some)
    }
  }
  const attemptHalves = async (some: readonly OutboxRow[]): Promise<void> => {
    const middle = some.length >> 1
    await attempt(some.slice(0, middle))
    if (!down) await attempt(some.slice(middle))
  }
  const refuse = ({ id }: OutboxRow, error: unknown): void => {
    refused.push({ id, error })
    if (told(error, 'park') || acknowledged.length > 0) return
    if (refused.length >= failuresThatSayDown || rows.length === 1) down = { cause: error }
  }
  for (const request of requests(rows)) if (!down) await attempt(request)
  return { acknowledged, refused, ...(down && { down }) }
}

/** Two: each costs a failed request, and the rows tried are put off, so that the next attempt starts with others. */
const failuresThatSayDown = 2

const told = (error: unknown, onConsume: 'halt' | 'park'): boolean => error instanceof Fault && error.onConsume === onConsume

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
