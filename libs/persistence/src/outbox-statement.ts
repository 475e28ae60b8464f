import type { OutgoingRecord } from '@curfew/bus'
import { Fault, topicCatalogue } from '@curfew/contracts'

/** One statement that writes a store's rows and the outbox row that tells of them. */
export interface OutboxStatement {
  /** The store's common table expressions, without the leading WITH. Their parameters are `$1` up to the number of `parameters`. */
  readonly with: string
  readonly parameters: readonly unknown[]
  readonly record: OutgoingRecord
  /**
   * SQL for the partition, over the expressions in `with`: `(SELECT $2::int % partitions FROM feed)`. Absent: the record's own, and if it
   * has none, the publisher chooses by the key.
   */
  readonly partition?: string
  /** An expression of `with`: no row in it, no outbox row. Absent: the outbox row is always written. */
  readonly from?: string
  /** Columns to answer beside the ticket, over the expressions in `with`; answered also when no outbox row was written. */
  readonly returning?: string
}

/** An outbox row on its way: what the publisher takes, and the row's id. */
export interface OutboxRow {
  readonly id: string
  readonly record: OutgoingRecord
}

/** Alone, or behind the expressions of a store. Its answer always has one row: the partition written, and whether a row was. */
export function outboxSql({ with: expressions, parameters, partition, from, returning }: Omit<OutboxStatement, 'record'>): string {
  const at = parameters.length
  const placed = partition ?? `$${at + 5}::integer`
  const values = `$${at + 1}::uuid, $${at + 2}::text, $${at + 3}::text, $${at + 4}::text, ${placed}, $${at + (partition ? 5 : 6)}::bytea, $${at + (partition ? 6 : 7)}::jsonb`
  const source = from === undefined ? '' : ` WHERE EXISTS (SELECT FROM ${from})`
  const insert = `outboxed AS (INSERT INTO outbox (id, tenant, topic, key, partition, value, headers) SELECT ${values}${source} RETURNING partition)`
  return `WITH ${expressions === '' ? '' : `${expressions}, `}${insert} ` +
    `SELECT (SELECT count(*) FROM outboxed)::int AS outbox_rows, (SELECT partition FROM outboxed) AS outbox_partition${returning ? `, ${returning}` : ''}`
}

/** The parameters of the outbox row, in the order that `outboxSql` numbers them. */
export function outboxParameters(id: string, tenant: string, record: OutgoingRecord, partitionGiven: boolean): unknown[] {
  const { topic, key, value, headers, partition } = record
  return [id, tenant, topic, key, ...(partitionGiven ? [] : [partition ?? null]), value, JSON.stringify(headers)]
}

/** Many rows in one statement, a column a parameter: its text is the same however many there are. */
export const outboxManySql = `INSERT INTO outbox (id, tenant, topic, key, partition, value, headers)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bytea[], $7::jsonb[])`

/** Rows of `outboxParameters`, of which none has its partition chosen by a statement, as the columns that `outboxManySql` takes. */
export const outboxColumns = (rows: readonly (readonly unknown[])[]): unknown[][] => Array.from({ length: 7 }, (_, column) => rows.map((row) => row[column]))

const takesBytes = new Map(topicCatalogue.map(({ name, takesBytes }) => [name, takesBytes]))
/** For topics outside the catalogue: the limit that ordinary brokers have for a request. */
const ordinaryTakesBytes = 1_048_576
/** Headers are ours and short; a key may carry names that callers chose. */
const mostHeaderBytes = 65_536

/** Before the commit, since a row that no broker takes would wait for ever and, on the feed, hold up every watermark. */
export function checkSize({ topic, key, value, headers }: OutgoingRecord): void {
  const limit = takesBytes.get(topic) ?? ordinaryTakesBytes
  if ((value?.length ?? 0) > limit) throw new Fault('record.too_large', { detail: `a record of ${topic} holds at most ${limit} bytes; this one has ${value?.length}` })
  const around = (key?.length ?? 0) + Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  if (around > mostHeaderBytes) throw new Fault('record.too_large', { detail: `the key and headers of a record hold at most ${mostHeaderBytes} characters; these have ${around}` })
}
