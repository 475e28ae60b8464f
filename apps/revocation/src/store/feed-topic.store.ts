import type { RevocationRecord, QuarantineRecord } from '@curfew/contracts'
import { toIso, type Instant } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import type { KnownTopic } from '../follow-topic/follow-topic.js'
import { lockFeed } from './feed-partition.js'

/** Where the filling of a recreated topic goes on. */
export type RepublishCursor = readonly [table: 'revocations' | 'quarantines', tenant: string, id: string]

export interface FeedTopic extends KnownTopic {
  /** Undefined when the topic holds everything that was published. */
  readonly republishAfter?: RepublishCursor
}

export interface LiveRecord {
  readonly id: string
  readonly tenant: string
  readonly record: RevocationRecord & QuarantineRecord
}

/** Before the first one: no tenant and no id sort lower. */
export const beginning: RepublishCursor = ['revocations', '', '00000000-0000-0000-0000-000000000000']

/** A flag is kept past its time while it holds without an end: nothing but a release lifts it. */
export const isKeptFlag = (since: string): string =>
  `(each.forget_after > ${since} OR ((each.record->>'quarantined')::boolean AND each.record->>'until' IS NULL))`

const isLive = {
  revocations: 'live AND forget_after > $3',
  quarantines: `${isKeptFlag('$3')} AND NOT EXISTS (
    SELECT FROM quarantines AS later WHERE later.tenant = each.tenant AND later.agent_id = each.agent_id AND later.version > each.version)`,
} as const

const noted = 'INSERT INTO feed_topic (topic, partitions) VALUES ($1, $2) ON CONFLICT (topic) DO NOTHING'

export class FeedTopicStore {
  constructor(readonly topic: string) {}

  /** Before the log was ever seen, the catalogue's count of partitions stands in, so that revocations are accepted while it is down. */
  async begin(tx: Tx, partitions: number): Promise<void> {
    await tx.query(noted, [this.topic, partitions])
  }

  async read(tx: Tx): Promise<FeedTopic> {
    const [row] = await tx.query<{ topic_id: string | null; partitions: number; republish_after: RepublishCursor | null }>(
      'SELECT topic_id, partitions, republish_after FROM feed_topic WHERE topic = $1', [this.topic])
    if (row === undefined) throw new Error(`nothing is written down of the topic ${this.topic}`)
    return { topicId: row.topic_id ?? undefined, partitions: row.partitions, ...(row.republish_after === null ? {} : { republishAfter: row.republish_after }) }
  }

  /** Nobody accepts a revocation from here to the commit: those that chose a partition by the old count are committed, the others wait. */
  async lock(tx: Tx): Promise<void> {
    await tx.query(lockFeed)
  }

  async write(tx: Tx, topicId: string, partitions: number, republishAfter: RepublishCursor | undefined): Promise<void> {
    await tx.query('UPDATE feed_topic SET topic_id = $2, partitions = $3, republish_after = $4 WHERE topic = $1',
      [this.topic, topicId, partitions, republishAfter === undefined ? null : JSON.stringify(republishAfter)])
  }

  /** False when another incarnation is being filled by now. */
  async moveRepublish(tx: Tx, topicId: string, after: RepublishCursor | undefined): Promise<boolean> {
    const rows = await tx.query('UPDATE feed_topic SET republish_after = $3 WHERE topic = $1 AND topic_id = $2 RETURNING topic',
      [this.topic, topicId, after === undefined ? null : JSON.stringify(after)])
    return rows.length > 0
  }

  /** Rows that were meant for a partition which the topic does not have (it was recreated with fewer) get one that it has. */
  async bringIntoRange(tx: Tx, partitions: number): Promise<void> {
    await tx.query('UPDATE outbox SET partition = partition % $2::integer WHERE published_at IS NULL AND topic = $1 AND partition >= $2::integer', [this.topic, partitions])
  }

  /** The next live records after the cursor, in its order. A quarantine that a later one replaced is left out. */
  async live(tx: Tx, [table, tenant, id]: RepublishCursor, since: Instant, limit: number): Promise<LiveRecord[]> {
    return tx.query<LiveRecord>(`SELECT id, tenant, record FROM ${table} AS each WHERE (tenant, id) > ($1, $2::uuid) AND ${isLive[table]}
      ORDER BY tenant, id LIMIT $4`, [tenant, id, toIso(since), limit])
  }
}
