import type { OutgoingRecord, Position } from '@curfew/bus'
import type { Instant, TenantId } from '@curfew/kernel'
import type { EntityManager } from 'typeorm'

/** A row of the outbox: it will be published at least once, whatever becomes of this process. */
export interface OutboxTicket {
  readonly id: string
  /** Resolves when this process has published it; it never rejects and may stay pending, so race it with a timeout of your own. */
  readonly published: Promise<Position>
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
  /** False when this consumer has already taken in the event in a transaction that committed. */
  firstSeen(consumer: string, source: string, eventId: string): Promise<boolean>
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
  abstract primaryNow(): Promise<Instant>
  /** Publishes every outbox row that is unpublished as of a snapshot taken now, and resolves once all are acknowledged (PROTOCOL section 5, steps 2 and 3). */
  abstract publishPending(): Promise<number>
  abstract ping(): Promise<void>
  abstract close(): Promise<void>
}
