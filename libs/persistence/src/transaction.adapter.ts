import { createHash } from 'node:crypto'
import { Fault } from '@curfew/contracts'
import type { OutgoingRecord, Position } from '@curfew/bus'
import { assert, type Instant } from '@curfew/kernel'
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'
import type { PoolClient } from 'pg'
import { v7 } from 'uuid'
import type { OutboxTicket, Reservation, Tx } from './database.js'
import { deferred } from './deferred.js'
import { checkSize, outboxColumns, outboxManySql, outboxParameters, outboxSql, type OutboxStatement } from './outbox-statement.js'
import type { Session } from './session.adapter.js'

/** An outbox row of this transaction, and how to say that it was published. */
export interface WrittenRow {
  readonly id: string
  readonly record: OutgoingRecord
  readonly published: (position: Position) => void
}

/** How long a reserved idempotency key stands: as long as API.md promises its callers. */
export const idempotencyKeptMs = 24 * 3_600_000

export class Transaction implements Tx {
  readonly written: WrittenRow[] = []
  private runner: QueryRunner | undefined
  private committing: Promise<void> | undefined
  private isOpen = true

  constructor(
    private readonly session: Session, private readonly client: PoolClient, private readonly source: DataSource,
    private readonly tenant: string, readonly now: Instant,
  ) {}

  /** Speaks over this transaction's connection. It knows that a transaction is open, so it neither starts nor commits one; nested ones are savepoints. */
  get manager(): EntityManager {
    this.assertOpen()
    this.runner ??= runnerOn(this.client, this.source)
    return this.runner.manager
  }

  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    this.assertOpen()
    return this.session.query<Row>(sql, parameters)
  }

  async outbox(record: OutgoingRecord): Promise<OutboxTicket> {
    const { ticket } = await this.queryWithOutbox({ with: '', parameters: [], record })
    return ticket as OutboxTicket
  }

  async outboxAll(records: readonly OutgoingRecord[]): Promise<OutboxTicket[]> {
    this.assertOpen()
    if (records.length === 0) return []
    for (const record of records) checkSize(record)
    const rows = records.map((record) => ({ id: v7(), record }))
    await this.session.query(outboxManySql, outboxColumns(rows.map(({ id, record }) => outboxParameters(id, this.tenantOf(record), record, false))))
    return rows.map(({ id, record }) => this.ticket(id, record))
  }

  async queryWithOutbox<Row = Record<string, unknown>>(statement: OutboxStatement): Promise<{ row: Row; ticket?: OutboxTicket }> {
    this.assertOpen()
    const { record, parameters, partition } = statement
    checkSize(record)
    const id = v7()
    const [row] = await this.session.query<Row & OutboxAnswer>(outboxSql(statement),
      [...parameters, ...outboxParameters(id, this.tenantOf(record), record, partition !== undefined)])
    assert(row, 'the outbox statement answers one row')
    const { outbox_rows, outbox_partition, ...rest } = row
    const placed = outbox_partition === null ? record : { ...record, partition: outbox_partition }
    return { row: rest as Row, ...(outbox_rows > 0 && { ticket: this.ticket(id, placed) }) }
  }

  lastly<T>(statement: () => Promise<T>): Promise<T> {
    this.assertOpen()
    const before = this.session.sent
    const answer = statement()
    // Refused before it was sent, or not sent yet: committing now would commit all but it.
    if (this.session.sent === before) return answer
    this.isOpen = false
    this.committing = this.session.commit()
    // Whoever awaits the answer sees its failure first; the commit's is seen at the end of the transaction.
    this.committing.catch(() => undefined)
    return answer
  }

  async firstSeen(consumer: string, source: string, eventId: string, tenant: string = this.tenant): Promise<boolean> {
    // A transaction that is taking in the same event is waited for: if it commits, nothing is inserted here.
    const rows = await this.query('INSERT INTO inbox (tenant, consumer, source, event_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1',
      [tenant, consumer, source, eventId])
    if (rows.length > 0) return true
    // Whoever passes over a repeat vouches for the first: the lock writes to the log, so this commit too waits until the standbys have what it rests on.
    await this.query('SELECT FROM inbox WHERE tenant = $1 AND consumer = $2 AND source = $3 AND event_id = $4 FOR KEY SHARE', [tenant, consumer, source, eventId])
    return false
  }

  async reserve({ client, route, key, requestHash, id }: { client: string; route: string; key: string; requestHash: string; id: string }): Promise<Reservation> {
    const request = createHash('sha256').update(JSON.stringify([client, route, key])).digest()
    const [mine] = await this.query(reservation, [this.tenant, request, requestHash, id, idempotencyKeptMs])
    if (mine) return { id, repeated: false }
    // A statement of its own: its snapshot sees what the transaction we waited for has committed. The row is locked by now.
    const [first] = await this.query<{ id: string; request_hash: string }>('SELECT id, request_hash FROM idempotency WHERE tenant = $1 AND request = $2', [this.tenant, request])
    assert(first, 'a reservation that was not ours to make is there to be read')
    if (first.request_hash !== requestHash) throw new Fault('idempotency.mismatch')
    return { id: first.id, repeated: true }
  }

  /** Commits, unless `lastly` has sent the commit already, and lets nothing of ours touch the connection afterwards. */
  async finish(): Promise<void> {
    this.committing ??= this.session.commit()
    this.end()
    await this.committing
  }

  /** True when the work took place although it ended in an error: the commit had been sent before. */
  async wasCommitted(): Promise<boolean> {
    this.end()
    return this.committing === undefined ? false : this.committing.then(() => true, () => false)
  }

  private end(): void {
    this.isOpen = false
    // It never took the connection from the pool, so it must not give it back: it only refuses further use.
    if (this.runner) Object.assign(this.runner, { isReleased: true, isTransactionActive: false })
  }

  private assertOpen(): void {
    assert(this.isOpen, 'a transaction was used after its end; its connection may serve another tenant by now')
  }

  /** In a transaction of every tenant the record itself says whose it is. */
  private tenantOf(record: OutgoingRecord): string {
    return this.tenant === '*' ? (record.headers.ce_tenant ?? '*') : this.tenant
  }

  private ticket(id: string, record: OutgoingRecord): OutboxTicket {
    const { promise, resolve } = deferred<Position>()
    this.written.push({ id, record, published: resolve })
    return { id, published: promise }
  }
}

interface OutboxAnswer {
  readonly outbox_rows: number
  readonly outbox_partition: number | null
}

/** Answers a row when the key is new, or stood longer than it is kept. Otherwise it only locks the row that is there. */
const reservation = `INSERT INTO idempotency (tenant, request, request_hash, id) VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant, request) DO UPDATE SET request_hash = excluded.request_hash, id = excluded.id, reserved_at = excluded.reserved_at
  WHERE idempotency.reserved_at < clock_timestamp() - $5::float8 * interval '1 millisecond' RETURNING 1`

/** TypeORM has no public way to run on a connection that is in a transaction already; these are the members that its own `connect` and `startTransaction` set. */
function runnerOn(client: PoolClient, source: DataSource): QueryRunner {
  return Object.assign(source.createQueryRunner(), { databaseConnection: client, isTransactionActive: true, transactionDepth: 1 })
}
