import type { BusRecord } from './port.js'

// What of a fetched batch is read here (a structural part of @platformatic/kafka's RecordsBatch).
export interface FetchedBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly records: readonly {
    readonly offsetDelta: number
    readonly timestampDelta: bigint
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
  }[]
}

/*
 * Record batch attributes (Kafka protocol, RecordBatch v2):
 *   bits 0-2 compression · bit 3 timestamp type, 1 = log append time · bit 4 transactional · bit 5 control
 */
const logAppendTime = 1 << 3
const control = 1 << 5

/** The offset after a batch: after its last record as it was written, which may be gone, and not after the last that is there. */
export const afterBatch = ({ firstOffset, lastOffsetDelta }: FetchedBatch): bigint => firstOffset + BigInt(lastOffsetDelta) + 1n

/** The records of a batch from `from` on: a fetch may begin in its middle. Transaction markers are no records. */
export function recordsOf(topic: string, partition: number, batch: FetchedBatch, from: bigint): BusRecord[] {
  if (batch.attributes & control) return []
  const timestampOf = batch.attributes & logAppendTime ? () => batch.maxTimestamp : (delta: bigint) => batch.firstTimestamp + delta
  return batch.records.flatMap(({ offsetDelta, timestampDelta, key, value, headers }) => {
    const offset = batch.firstOffset + BigInt(offsetDelta)
    if (offset < from) return []
    return [{ topic, partition, offset, key: key?.toString('utf8') ?? null, value, headers: textHeaders(headers), timestamp: Number(timestampOf(timestampDelta)) }]
  })
}

const textHeaders = (headers: FetchedBatch['records'][number]['headers']): Record<string, string> =>
  Object.fromEntries(headers.map(([name, value]) => [name?.toString('utf8') ?? '', value?.toString('utf8') ?? '']))
