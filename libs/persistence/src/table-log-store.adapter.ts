import type { BusRecord, LogStore, OutgoingRecord, TopicDescription } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { Pool } from 'pg'
import { connectionTo, searchPath, type ServiceHome } from './connection.js'
import { GroupCommit } from './group-commit.js'
import { LogTables1000000000000 } from './log-tables.migration.js'
import { migrate } from './migrate.adapter.js'
import { withSchema } from './schema.adapter.js'
import { orUnavailable } from './unavailable.js'

type Placed = OutgoingRecord & { readonly partition: number }
interface Appended {
  readonly offsets: bigint[]
  readonly timestamp: number
}
interface Progress {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly next: bigint
}

/** Records in one statement: a flush to the disk is shared by many, and the parameters stay small. */
const mostTogether = 500
/** Bytes of one read, however many records were asked for; one record comes whatever its size. */
const readBytes = 8 * 1_048_576
/** Records deleted in one commit: appends to the partition wait for it. */
const expireChunk = 1000
/** A later watermark says more than an earlier one, so an hour of them is plenty for a reader that is behind. */
const transientType = 'curfew.watermark.advanced'
const transientKeptMs = 3_600_000

/**
 * The durable log behind the in-process bus, on tables of the schema `curfew_log`. Offsets of a partition are given in the order of their commits
 * and have no gaps when given; expired watermarks leave gaps, so a reader goes on after the last record it got. Several processes may share the log.
 */
export async function tableLogStore(options: { url: string; clock: Clock }): Promise<LogStore & { close(): Promise<void> }> {
  try {
    const home = await withSchema(options.url, 'log', async (made) => {
      await migrate(options.url, made, [LogTables1000000000000])
      return made
    })
    return new TableLogStore(poolFor(options.url, home, 'on', 8), poolFor(options.url, home, 'off', 2), options.clock)
  } catch (error) {
    throw orUnavailable(error, 'opening the log')
  }
}

function poolFor(url: string, home: ServiceHome, synchronous_commit: 'on' | 'off', max: number): Pool {
  const settings = connectionTo(url, home.schema, { role: home.role, search_path: searchPath(home.schema), synchronous_commit, statement_timeout: '10000' })
  const pool = new Pool({ ...settings, max, connectionTimeoutMillis: 2000, query_timeout: 12_000, keepAlive: true, idleTimeoutMillis: 300_000 })
  // A connection that breaks is replaced when it is needed; whoever was using it has the error.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}

class TableLogStore implements LogStore {
  private readonly appends: GroupCommit<Placed, Appended>
  private readonly commits: GroupCommit<Progress, void>

  /** Appends are durable when they resolve. Progress is not: what a crash takes back is delivered again. */
  constructor(private readonly durable: Pool, private readonly eventual: Pool, private readonly clock: Clock) {
    const isLost = (error: unknown): boolean => error instanceof Fault
    this.appends = new GroupCommit((records) => this.appendAll(records), mostTogether, isLost)
    this.commits = new GroupCommit((progress) => this.commitAll(progress), mostTogether, isLost)
  }

  async ensureTopic(topic: string, partitions: number): Promise<TopicDescription> {
    await this.ask('creating a topic', 'INSERT INTO topic (name) VALUES ($1) ON CONFLICT DO NOTHING', [topic])
    await this.ask('creating a topic', `INSERT INTO topic_partition (ref, partition) SELECT ref, generate_series(0, $2::int - 1) FROM topic WHERE name = $1
      ON CONFLICT DO NOTHING`, [topic, partitions])
    return (await this.topic(topic)) as TopicDescription
  }

  async topic(topic: string): Promise<TopicDescription | undefined> {
    const [found] = await this.ask<{ topic_id: string; partitions: number }>('describing a topic',
      'SELECT topic_id, (SELECT count(*)::int FROM topic_partition WHERE topic_partition.ref = topic.ref) AS partitions FROM topic WHERE name = $1', [topic])
    // Between the two statements of its creation it is not there yet.
    return found && found.partitions > 0 ? { topicId: found.topic_id, partitions: found.partitions } : undefined
  }

  append(records: readonly Placed[]): Promise<Appended> {
    if (records.length === 0) return Promise.resolve({ offsets: [], timestamp: this.clock.now() })
    return this.appends.submit(records)
  }

  async read(topic: string, partition: number, from: bigint, limit: number): Promise<BusRecord[]> {
    const rows = await this.ask<StoredRecord>('reading the log', reading, [topic, partition, from, limit])
    return rows.map(({ offset, key, value, headers, at }) => ({ topic, partition, offset: BigInt(offset), key, value, headers, timestamp: Number(at) }))
  }

  async bounds(topic: string): Promise<[bigint, bigint][]> {
    const rows = await this.ask<{ first: string; next: string }>('reading the bounds of the log',
      'SELECT first, next FROM topic_partition JOIN topic USING (ref) WHERE name = $1 ORDER BY partition', [topic])
    return rows.map(({ first, next }) => [BigInt(first), BigInt(next)])
  }

  async committed(group: string, topic: string): Promise<Map<number, bigint>> {
    const rows = await this.ask<{ partition: number; next: string }>('reading the progress of a group',
      'SELECT partition, next FROM committed JOIN topic USING (ref) WHERE consumer = $1 AND name = $2', [group, topic])
    return new Map(rows.map(({ partition, next }) => [partition, BigInt(next)]))
  }

  commit(group: string, topic: string, partition: number, next: bigint): Promise<void> {
    return this.commits.submit([{ group, topic, partition, next }])
  }

  async expire(topic: string, olderThanMs: number): Promise<void> {
    const now = this.clock.now()
    const { length } = await this.bounds(topic)
    for (let partition = 0; partition < length; partition++) {
      for (let gone = expireChunk; gone === expireChunk;) {
        const [row] = await this.ask<{ gone: number }>('expiring records', expiring, [topic, partition, now - olderThanMs])
        gone = row?.gone ?? 0
      }
    }
    for (let gone = expireChunk; gone === expireChunk;) gone = (await this.ask('expiring watermarks', forgetting, [topic, now - transientKeptMs])).length
  }

  async close(): Promise<void> {
    await Promise.all([this.appends.idle(), this.commits.idle()])
    await Promise.all([this.durable.end(), this.eventual.end()])
  }

  private async appendAll(records: readonly Placed[]): Promise<(from: number, to: number) => Appended> {
    const timestamp = this.clock.now()
    const [only, ...others] = records
    const rows = only && others.length === 0
      ? await this.ask<{ offset: string }>('appending to the log', appendingOne, [only.topic, only.partition, timestamp, isTransient(only), only.key, only.value, JSON.stringify(only.headers)])
      : await this.ask<{ offset: string }>('appending to the log', appending, [
        records.map(({ topic }) => topic), records.map(({ partition }) => partition), records.map(isTransient), records.map(({ key }) => key),
        records.map(({ value }) => value), records.map(({ headers }) => JSON.stringify(headers)), timestamp,
      ])
    return (from, to) => ({ offsets: rows.slice(from, to).map(({ offset }) => BigInt(offset)), timestamp })
  }

  private async commitAll(progress: readonly Progress[]): Promise<() => void> {
    // One statement cannot write a row twice: of one place, the last word counts.
    const last = [...new Map(progress.map((each) => [JSON.stringify([each.group, each.topic, each.partition]), each])).values()]
    await this.ask('keeping the progress of a group', committing,
      [last.map(({ group }) => group), last.map(({ topic }) => topic), last.map(({ partition }) => partition), last.map(({ next }) => next)], this.eventual)
    return () => undefined
  }

  private async ask<Row extends object>(doing: string, sql: string, parameters: unknown[], pool = this.durable): Promise<Row[]> {
    try {
      return (await pool.query<Row>({ name: nameOf(sql), text: sql, values: parameters })).rows
    } catch (error) {
      if ((error as { code?: string }).code === '23502') throw new Error('there is no such topic or partition in the log', { cause: error })
      throw orUnavailable(error, doing)
    }
  }
}

interface StoredRecord {
  readonly offset: string
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Record<string, string>
  readonly at: string
}

const isTransient = ({ headers }: OutgoingRecord): boolean => headers.ce_type === transientType

const names = new Map<string, string>()
/** Every statement here is a constant, so each gets a name and is planned once a connection. */
function nameOf(sql: string): string {
  const name = names.get(sql) ?? `log${names.size}`
  names.set(sql, name)
  return name
}

/** The partition's row is locked until the commit: offsets become visible in their order. A topic that is not there leaves `ref` empty, and nothing is written. */
const appendingOne = `WITH slot AS (UPDATE topic_partition SET next = next + 1 FROM topic WHERE topic.name = $1 AND topic_partition.ref = topic.ref AND partition = $2
    RETURNING topic_partition.ref, next - 1 AS "offset")
  INSERT INTO record (ref, partition, "offset", at, transient, key, value, headers)
  SELECT (SELECT ref FROM slot), $2, (SELECT "offset" FROM slot), $3, $4, $5, $6, $7 RETURNING "offset"`

/** Partitions are locked in one order, whatever the order of the records: two processes cannot wait for each other. */
const appending = `WITH given AS (
    SELECT ordinality, topic.ref, given.partition, transient, key, value, headers, row_number() OVER (PARTITION BY topic.ref, given.partition ORDER BY ordinality) - 1 AS nth
    FROM unnest($1::text[], $2::integer[], $3::boolean[], $4::text[], $5::bytea[], $6::jsonb[]) WITH ORDINALITY AS given (topic, partition, transient, key, value, headers, ordinality)
    LEFT JOIN topic ON topic.name = given.topic
  ), wanted AS (SELECT ref, partition, count(*) AS count FROM given GROUP BY ref, partition),
  locked AS (SELECT ref, partition FROM topic_partition WHERE (ref, partition) IN (SELECT ref, partition FROM wanted) ORDER BY ref, partition FOR UPDATE),
  slot AS (UPDATE topic_partition SET next = next + wanted.count FROM locked JOIN wanted USING (ref, partition)
    WHERE topic_partition.ref = locked.ref AND topic_partition.partition = locked.partition
    RETURNING topic_partition.ref, topic_partition.partition, next - wanted.count AS start),
  written AS (INSERT INTO record (ref, partition, "offset", at, transient, key, value, headers)
    SELECT given.ref, given.partition, slot.start + nth, $7, transient, key, value, headers FROM given LEFT JOIN slot USING (ref, partition))
  SELECT slot.start + nth AS "offset" FROM given LEFT JOIN slot USING (ref, partition) ORDER BY ordinality`

const reading = `SELECT "offset", key, value, headers, at FROM (
    SELECT *, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY "offset") - coalesce(octet_length(value), 0) AS before FROM (
      SELECT record.* FROM record WHERE ref = (SELECT ref FROM topic WHERE name = $1) AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4
    ) page
  ) sized WHERE before < ${readBytes} ORDER BY "offset"`

/** From the front only, and `first` moves with it: a record that a stepping clock dated early waits until those before it are old. */
const expiring = `WITH page AS MATERIALIZED (
    SELECT ref, "offset", at FROM record WHERE ref = (SELECT ref FROM topic WHERE name = $1) AND partition = $2 ORDER BY "offset" LIMIT ${expireChunk}
  ), edge AS (
    SELECT coalesce((SELECT min("offset") FROM page WHERE at >= $3), (SELECT max("offset") + 1 FROM page)) AS at
  ), gone AS (
    DELETE FROM record USING page, edge WHERE record.ref = page.ref AND record.partition = $2 AND record."offset" = page."offset" AND page."offset" < edge.at RETURNING 1
  ), moved AS (
    UPDATE topic_partition SET first = greatest(first, edge.at) FROM edge, (SELECT DISTINCT ref FROM page) which
    WHERE topic_partition.ref = which.ref AND topic_partition.partition = $2 AND EXISTS (SELECT FROM gone)
  ) SELECT count(*)::int AS gone FROM gone`

/** `first` stays: the records around them are still there, and a reader that was here may go on. */
const forgetting = `DELETE FROM record WHERE (ref, partition, "offset") IN (
    SELECT ref, partition, "offset" FROM record WHERE ref = (SELECT ref FROM topic WHERE name = $1) AND transient AND at < $2 ORDER BY at LIMIT ${expireChunk}
  ) RETURNING 1`

const committing = `INSERT INTO committed (consumer, ref, partition, next)
  SELECT given.consumer, topic.ref, given.partition, given.next
  FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) AS given (consumer, topic, partition, next) LEFT JOIN topic ON topic.name = given.topic
  ON CONFLICT (consumer, ref, partition) DO UPDATE SET next = excluded.next`
