import type { OutgoingRecord, Position } from '@curfew/bus'
import type { Pool, PoolClient } from 'pg'
import type { OutboxRow } from './outbox-statement.js'

/** A published row and where it went. */
export interface Acknowledged {
  readonly id: string
  readonly position: Position
}

/** A row that failed while others did not, or that its publisher called unpublishable. */
export interface Refused {
  readonly id: string
  readonly error: unknown
}

interface StoredRow {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly partition: number | null
  readonly value: Buffer | null
  readonly headers: Record<string, string>
}

export interface Published {
  readonly acknowledged: readonly Acknowledged[]
  readonly refused: readonly Refused[]
}

/** Rows of a page: a few requests to the broker. */
const pageRows = 500
/** Bytes of a page, so that a backlog of large records cannot fill the memory. One row comes however large it is. */
const pageBytes = 8 * 1_048_576
/** A row that was never in memory, or whose instance died, waits this long before another one takes it: many times an ordinary publish. */
const sweepAfterMs = 1000
/** Ten minutes at most between attempts on a row that was refused: soon enough after an operator repaired the topic. */
const retryCapSeconds = 600
/** A row of the future is from before the clock was set back, and waits no longer for that: it would for as long as the step was. */
const due = `published_at IS NULL AND created_at NOT BETWEEN clock_timestamp() - interval '${sweepAfterMs} milliseconds' AND clock_timestamp()
  AND (retry_at IS NULL OR retry_at NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '${retryCapSeconds} seconds')`
/** Published rows stay for an hour: long enough to answer where a revocation stands, and to publish again when the topic is found recreated. */
export const publishedKeptMs = 3_600_000

const columns = 'id, topic, key, partition, value, headers'
const withinBytes = (page: string): string =>
  `SELECT ${columns} FROM (SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) - coalesce(octet_length(value), 0) AS before FROM (${page}) page) sized
   WHERE before < ${pageBytes} ORDER BY id`

/** The outbox as the relay sees it: across tenants, on connections whose `curfew.tenant` is `*`. */
export class OutboxStore {
  constructor(private readonly pool: Pool) {}

  /** Which of these topics have rows that nobody published in time. */
  async topicsDue(known: readonly string[]): Promise<string[]> {
    const { rows } = await this.pool.query<{ topic: string }>({
      name: 'topics-due', values: [known],
      text: `SELECT topic FROM unnest($1::text[]) AS known (topic) WHERE EXISTS (SELECT FROM outbox WHERE outbox.topic = known.topic AND ${due})`,
    })
    return rows.map(({ topic }) => topic)
  }

  /** Every topic with an unpublished row, known or not. It reads the whole backlog's index. */
  async topicsPending(): Promise<string[]> {
    const { rows } = await this.pool.query<{ topic: string }>('SELECT DISTINCT topic FROM outbox WHERE published_at IS NULL')
    return rows.map(({ topic }) => topic)
  }

  /** The next unpublished rows of a topic after `after`, in a statement of its own: it sees every transaction that committed before it was called. */
  async unpublished(topic: string, after: string): Promise<OutboxRow[]> {
    const { rows } = await this.pool.query<StoredRow>({
      name: 'unpublished', values: [topic, after],
      text: withinBytes(`SELECT ${columns} FROM outbox WHERE published_at IS NULL AND topic = $1 AND id > $2 ORDER BY id LIMIT ${pageRows}`),
    })
    return rows.map(toRow)
  }

  /**
   * Locks the oldest rows of a topic that nobody published in time, hands them to `publish`, and records what came of them. Rows that another
   * instance has locked are passed over; when this process dies in here, its locks go with its connection.
   */
  async sweep(topic: string, except: readonly string[], publish: (rows: OutboxRow[]) => Promise<Published>): Promise<number> {
    const client = await this.pool.connect()
    let broken: Error | undefined
    try {
      await client.query('START TRANSACTION')
      const { rows } = await client.query<StoredRow>({
        name: 'sweep', values: [topic, except],
        text: withinBytes(`SELECT ${columns} FROM outbox WHERE topic = $1 AND ${due} AND id <> ALL ($2::uuid[]) ORDER BY id LIMIT ${pageRows} FOR UPDATE SKIP LOCKED`),
      })
      if (rows.length > 0) {
        const { acknowledged, refused } = await publish(rows.map(toRow))
        await mark(client, acknowledged)
        await refuse(client, refused)
      }
      await client.query('COMMIT')
      return rows.length
    } catch (error) {
      broken = error as Error
      throw error
    } finally {
      // A connection that failed in a transaction is not worth mending: the server rolls back when it goes.
      client.release(broken)
    }
  }

  mark(rows: readonly Acknowledged[]): Promise<void> {
    return mark(this.pool, rows)
  }

  refuse(rows: readonly Refused[]): Promise<void> {
    return refuse(this.pool, rows)
  }

  /** What was published to an earlier incarnation of the topic counts as unpublished again (PROTOCOL section 4). Returns how many rows that concerned. */
  async sawTopic(topic: string, topicId: string): Promise<number> {
    const { rows: [known] } = await this.pool.query<{ topic_id: string }>('SELECT topic_id FROM outbox_topic WHERE topic = $1', [topic])
    if (!known) {
      await this.pool.query('INSERT INTO outbox_topic (topic, topic_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [topic, topicId])
      return 0
    }
    if (known.topic_id === topicId) return 0
    const { rowCount } = await this.pool.query(`WITH changed AS (UPDATE outbox_topic SET topic_id = $2 WHERE topic = $1 AND topic_id = $3 RETURNING topic)
      UPDATE outbox SET published_at = NULL, topic_id = NULL, leader_epoch = NULL, log_offset = NULL FROM changed
      WHERE outbox.topic = changed.topic AND outbox.published_at IS NOT NULL AND outbox.topic_id <> $2`, [topic, topicId, known.topic_id])
    return rowCount ?? 0
  }

  /** The topic takes records again: what was put off while it did not, is due. */
  async retryNow(topic: string): Promise<void> {
    await this.pool.query('UPDATE outbox SET retry_at = NULL WHERE published_at IS NULL AND topic = $1 AND retry_at IS NOT NULL', [topic])
  }

  /** How many rows wait, counted up to `limit`, and how long the oldest of those has. */
  async backlog(limit: number): Promise<{ rows: number; oldestMs: number }> {
    const { rows: [found] } = await this.pool.query<{ rows: number; oldest: number }>(`SELECT count(*)::int AS rows,
      coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS oldest
      FROM (SELECT created_at FROM outbox WHERE published_at IS NULL LIMIT $1) waiting`, [limit])
    return { rows: found?.rows ?? 0, oldestMs: found?.oldest ?? 0 }
  }

  /** Deletes one chunk of rows published long ago, in the order of their ids; answers the last id looked at, undefined at the end. */
  async purge(after: string): Promise<string | undefined> {
    const { rows: [looked] } = await this.pool.query<{ last: string | null }>(`WITH page AS MATERIALIZED (
        SELECT id, published_at FROM outbox WHERE id > $1 AND created_at < clock_timestamp() - $2::float8 * interval '1 millisecond' ORDER BY id LIMIT 1000
      ), gone AS (DELETE FROM outbox USING page WHERE outbox.id = page.id AND page.published_at < clock_timestamp() - $2::float8 * interval '1 millisecond')
      SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last`, [after, publishedKeptMs])
    return looked?.last ?? undefined
  }
}

const toRow = ({ id, topic, key, partition, value, headers }: StoredRow): OutboxRow =>
  ({ id, record: { topic, key, value, headers, ...(partition !== null && { partition }) } as OutgoingRecord })

/** `published_at` is the primary's clock read after the row's commit and after its acknowledgement. A row already marked keeps its first position. */
async function mark(at: Pool | PoolClient, rows: readonly Acknowledged[]): Promise<void> {
  if (rows.length === 0) return
  const positions = rows.map(({ position }) => position)
  await at.query({
    name: 'mark',
    text: `UPDATE outbox SET published_at = clock_timestamp(), topic_id = acked.topic_id, leader_epoch = acked.leader_epoch, partition = acked.partition,
      log_offset = acked.log_offset, retry_at = NULL, problem = NULL
      FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::bigint[]) AS acked (id, topic_id, leader_epoch, partition, log_offset)
      WHERE outbox.id = acked.id AND outbox.published_at IS NULL`,
    values: [rows.map(({ id }) => id), positions.map(({ topicId }) => topicId), positions.map(({ leaderEpoch }) => leaderEpoch),
      positions.map(({ partition }) => partition), positions.map(({ offset }) => offset)],
  })
}

/** Kept, and tried again ever more rarely: nothing is ever dropped from an outbox. */
async function refuse(at: Pool | PoolClient, rows: readonly Refused[]): Promise<void> {
  if (rows.length === 0) return
  await at.query(`UPDATE outbox SET attempts = attempts + 1, problem = refused.problem,
      retry_at = clock_timestamp() + least(power(2, least(attempts, 16)), ${retryCapSeconds}) * interval '1 second'
      FROM unnest($1::uuid[], $2::text[]) AS refused (id, problem) WHERE outbox.id = refused.id`,
  [rows.map(({ id }) => id), rows.map(({ error }) => problemOf(error))])
}

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 200)
