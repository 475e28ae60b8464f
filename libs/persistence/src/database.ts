import type { OutgoingRecord, Position } from '@curfew/bus'
import type { Instant, TenantId } from '@curfew/kernel'
import type { EntityManager } from 'typeorm'
import type { OutboxStatement } from './outbox-statement.js'

/** A row of the outbox: it will be published at least once, whatever becomes of this process. */
export interface OutboxTicket {
  readonly id: string
  /** Resolves when this process has published it; it never rejects and may stay pending, so race it with a timeout of your own. */
  readonly published: Promise<Position>
}

export interface RelayCounts {
  /** Rows acknowledged since this process started, whichever way they went. */
  readonly published: number
  /** Rows that failed by themselves; they stay in the table with the problem beside them, and are tried again ever more rarely. */
  readonly refused: number
  /** Rows that went from memory to the sweeper: there were too many, or their topic was away. */
  readonly left: number
  /** Rows in memory between commit and acknowledgement. */
  readonly waiting: number
  /** Topics that take no records at the moment. */
  readonly down: readonly string[]
}

export interface OutboxBacklog {
  /** Unpublished rows, counted up to the limit asked for. */
  readonly rows: number
  readonly oldestMs: number
}

/** What pino's loggers offer; details come first. */
export interface DatabaseLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface Reservation {
  /** The id that the first request with this key reserved. */
  readonly id: string
  readonly repeated: boolean
}

/** One open transaction, confined to a tenant by row-level security. */
export interface Tx {
  /** The primary's clock, read inside this transaction. */
  readonly now: Instant
  readonly manager: EntityManager
  /** Rows of a SELECT, or of RETURNING. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Writes the record into the outbox in the same commit. It is handed to the relay once the commit is durable. */
  outbox(record: OutgoingRecord): Promise<OutboxTicket>
  /** The same for many at once, in one statement: all of them or, when one is too large, none. Tickets come in the order of the records. */
  outboxAll(records: readonly OutgoingRecord[]): Promise<OutboxTicket[]>
  /** A store's own statement and the outbox row in one: one round trip, and the partition may depend on what the statement reads. No ticket, no outbox row. */
  queryWithOutbox<Row = Record<string, unknown>>(statement: OutboxStatement): Promise<{ row: Row; ticket?: OutboxTicket }>
  /**
   * Sends the commit right behind the statement, without waiting for its answer: a round trip less. `statement` must send exactly one.
   * It is the last word of the transaction: nothing can be added, and nothing that fails afterwards takes it back.
   */
  lastly<T>(statement: () => Promise<T>): Promise<T>
  /**
   * False when this consumer has already taken in the event in a transaction that committed. Duplicates are told by tenant, source and id:
   * a transaction of every tenant must name the event's.
   */
  firstSeen(consumer: string, source: string, eventId: string, tenant?: TenantId): Promise<boolean>
  /**
   * Reserves `id` for an idempotency key in the same commit as its effect; a concurrent first request waits for this one.
   * Throws Fault `idempotency.mismatch` when the key came with another request.
   */
  reserve(request: { client: string; route: string; key: string; requestHash: string; id: string }): Promise<Reservation>
}

/** A service's own schema, reached under its least-privileged role. Fault `dependency.unavailable` while PostgreSQL cannot be reached. */
export abstract class Database {
  /** Commits when `work` resolves and rolls back when it throws. Never retried: the caller knows whether that is safe. */
  abstract transact<T>(tenant: TenantId, work: (tx: Tx) => Promise<T>): Promise<T>
  /** For sweepers, snapshots and consumers of every tenant; request handlers never use it. */
  abstract transactEverywhere<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** One statement that changes nothing, over every tenant, in one round trip: for what every request has to ask first. */
  abstract readEverywhere<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  abstract primaryNow(): Promise<Instant>
  /**
   * Publishes every outbox row (of one topic, if given) that is unpublished as of a snapshot taken now, and resolves once all are acknowledged
   * (PROTOCOL section 5, steps 2 and 3). Rejects when it cannot say so: a watermark must not follow then.
   */
  abstract publishPending(topic?: string): Promise<number>
  /** For admission (bulk work waits while much is unpublished) and for metrics. Default limit 10,000. */
  abstract outboxBacklog(limit?: number): Promise<OutboxBacklog>
  abstract relayCounts(): RelayCounts
  abstract ping(): Promise<void>
  /** What is in memory is published and marked if that takes no longer than five seconds. */
  abstract close(): Promise<void>
}
