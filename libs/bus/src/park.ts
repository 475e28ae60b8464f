import { Fault, parkedTopicOf, type ProblemCode } from '@curfew/contracts'
import { toIso, type Instant } from '@curfew/kernel'
import type { BusRecord, OutgoingRecord } from './port.js'

/*
 * A parked record is the original, key, value and headers as they were, plus:
 *   curfew-parked-reason      problem code          curfew-parked-detail     what happened this time
 *   curfew-parked-topic, -partition, -offset        where the original lies
 *   curfew-parked-attempts    in all, over replays  curfew-parked-at, -by    when, and by which group
 *   curfew-parked-without-value                     its size, where even this topic would not take the value
 * A replay leaves a mark beside it, since a log forgets nothing: a record without a value, with curfew-parked-replay-of and curfew-parked-at.
 * A replayed record carries curfew-replay-attempts, so that attempts keep counting if it is parked again.
 */
const prefix = 'curfew-parked-'
const replayAttempts = 'curfew-replay-attempts'

export interface ParkReason {
  readonly reason: ProblemCode
  readonly detail: string
  readonly attempts: number
  readonly at: Instant
  readonly by: string
}

/** Header values are shown in terminals: long enough for every field error, short enough to read. */
const maxDetail = 1_000

export function parkedRecord(record: BusRecord, { reason, detail, attempts, at, by }: ParkReason): OutgoingRecord {
  return {
    topic: parkedTopicOf(record.topic), key: record.key, value: record.value,
    headers: {
      ...originalHeaders(record.headers),
      [`${prefix}reason`]: reason, [`${prefix}detail`]: detail.slice(0, maxDetail), [`${prefix}attempts`]: String(attempts + count(record.headers[replayAttempts])),
      [`${prefix}topic`]: record.topic, [`${prefix}partition`]: String(record.partition), [`${prefix}offset`]: String(record.offset),
      [`${prefix}at`]: toIso(at), [`${prefix}by`]: by,
    },
  }
}

/** For a value that not even the parked topic takes: where it lies is kept, and its size. */
export const withoutValue = (parked: OutgoingRecord): OutgoingRecord =>
  ({ ...parked, value: null, headers: { ...parked.headers, [`${prefix}without-value`]: String(parked.value?.length ?? 0) } })

const count = (text: string | undefined): number => (text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0)

function originalHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(prefix) && name !== replayAttempts))
}

/** Where a parked record lies: what the CLI prints and takes back, `curfew.lifecycle.parked.v1/0/17`. */
export interface ParkedId {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export const parkedIdText = ({ topic, partition, offset }: ParkedId): string => `${topic}/${partition}/${offset}`

export function parseParkedId(text: string): ParkedId | undefined {
  const match = /^([A-Za-z0-9._-]{1,249})\/(\d{1,9})\/(\d{1,18})$/.exec(text)
  return match ? { topic: match[1]!, partition: Number(match[2]), offset: BigInt(match[3]!) } : undefined
}

/** A parked record as operators see it. */
export interface ParkedRecord extends ParkedId {
  readonly id: string
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string }
  readonly reason: string
  readonly detail: string
  readonly attempts: number
  readonly at: string
  readonly by: string
  readonly key: string | null
  readonly bytes: number
  /** The original's own. */
  readonly headers: Readonly<Record<string, string>>
  readonly value: Buffer | null
  readonly replayedAt?: string
}

/** Undefined for a replay's mark, and for what somebody else put there. */
export function readParked(record: BusRecord): ParkedRecord | undefined {
  const header = (name: string): string | undefined => record.headers[prefix + name]
  const [topic, reason] = [header('topic'), header('reason')]
  if (topic === undefined || reason === undefined || parkedTopicOf(topic) !== record.topic) return undefined
  const { partition, offset } = record
  return {
    id: parkedIdText(record), topic: record.topic, partition, offset,
    source: { topic, partition: count(header('partition')), offset: header('offset') ?? '' },
    reason, detail: header('detail') ?? '', attempts: count(header('attempts')), at: header('at') ?? '', by: header('by') ?? '',
    key: record.key, value: record.value, bytes: record.value?.length ?? count(header('without-value')), headers: originalHeaders(record.headers),
  }
}

/** The original again, for its source topic. Fault `record.too_large` where only its place was kept. */
export function replayOf(parked: ParkedRecord): OutgoingRecord {
  if (parked.value === null && parked.bytes > 0) throw new Fault('record.too_large', { detail: 'only the place of this record was kept: replay it from its source' })
  return { topic: parked.source.topic, key: parked.key, value: parked.value, headers: { ...parked.headers, [replayAttempts]: String(parked.attempts) } }
}

/** Lies beside the parked record and tells operators that it was replayed. */
export const replayMark = (parked: ParkedId, at: Instant): OutgoingRecord =>
  ({ topic: parked.topic, partition: parked.partition, key: null, value: null, headers: { [`${prefix}replay-of`]: parkedIdText(parked), [`${prefix}at`]: toIso(at) } })

/** The parked record that was replayed, and when, if this is a replay's mark. */
export function readReplayMark(record: BusRecord): { readonly of: string; readonly at: string } | undefined {
  const of = record.headers[`${prefix}replay-of`]
  return of === undefined ? undefined : { of, at: record.headers[`${prefix}at`] ?? '' }
}
