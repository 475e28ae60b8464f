import { Fault } from '@curfew/contracts'
import { instant, type Instant, type TenantId } from '@curfew/kernel'
import type { Pool, PoolClient } from 'pg'
import type { DataSource } from 'typeorm'
import { Database, type OutboxBacklog, type RelayCounts, type Tx } from './database.js'
import type { OutboxStore } from './outbox.store.js'
import { PreparedStatements } from './prepared-statements.js'
import type { Purge } from './purge.adapter.js'
import type { Relay } from './relay.adapter.js'
import { primaryClock, Session, UnreplicatedCommit } from './session.adapter.js'
import type { Sweeper } from './sweeper.adapter.js'
import { Transaction } from './transaction.adapter.js'
import { isUnreachable, orUnavailable } from './unavailable.js'

/** What works on a service's schema: two pools, and the parts that run beside the requests. */
export interface DatabaseParts {
  readonly source: DataSource
  /** For transactions of requests and consumers. */
  readonly pool: Pool
  /** For the relay and other work of every tenant. Its commits do not wait for the disk. */
  readonly backstage: Pool
  readonly outbox: OutboxStore
  readonly relay: Relay
  readonly sweeper: Sweeper
  readonly purge: Purge
}

/** Rows in memory get this long to be published and marked; then they are the next process's. */
const drainWithinMs = 5000

export class PostgresDatabase extends Database {
  private readonly prepared = new PreparedStatements()
  private closing: Promise<void> | undefined

  constructor(private readonly parts: DatabaseParts) {
    super()
  }

  transact<T>(tenant: TenantId, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run(tenant, work)
  }

  transactEverywhere<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run('*', work)
  }

  async readEverywhere<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const client = await translated('connecting', () => this.parts.pool.connect())
    const session = new Session(client, this.prepared)
    // Sent together and answered in order; if the statement fails, the commit is a rollback.
    const [begun, read, ended] = await Promise.allSettled([session.begin('*'), session.query<Row>(sql, parameters), session.commit()])
    if (begun.status === 'fulfilled' && read.status === 'fulfilled' && ended.status === 'fulfilled') {
      client.release()
      return read.value
    }
    const failed = [begun, read, ended].find((outcome) => outcome.status === 'rejected')
    throw await this.abandon(client, session, undefined, failed?.reason)
  }

  async primaryNow(): Promise<Instant> {
    const { rows: [row] } = await this.backstage<{ now: number }>(`SELECT ${primaryClock} AS now`, 'reading its clock')
    return instant(row?.now as number)
  }

  async ping(): Promise<void> {
    await this.backstage('SELECT 1', 'answering a ping')
  }

  publishPending(topic?: string): Promise<number> {
    return translated('publishing what is pending', () => this.parts.relay.publishPending(topic))
  }

  outboxBacklog(limit = 10_000): Promise<OutboxBacklog> {
    return translated('counting the outbox', () => this.parts.outbox.backlog(limit))
  }

  relayCounts(): RelayCounts {
    return this.parts.relay.count()
  }

  close(): Promise<void> {
    return (this.closing ??= this.end())
  }

  private async end(): Promise<void> {
    const { relay, sweeper, purge, source, backstage } = this.parts
    await Promise.all([relay.close(drainWithinMs), inTime(Promise.all([sweeper.close(), purge.close()]), drainWithinMs)])
    // A connection that does not answer any more must not keep the process.
    await inTime(Promise.all([source.destroy(), backstage.end()]), drainWithinMs)
  }

  private async run<T>(tenant: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await translated('connecting', () => this.parts.pool.connect())
    const session = new Session(client, this.prepared)
    let transaction: Transaction | undefined
    try {
      transaction = new Transaction(session, client, this.parts.source, tenant, await session.begin(tenant))
      const result = await work(transaction)
      await transaction.finish()
      client.release()
      this.parts.relay.handOver(transaction.written)
      return result
    } catch (error) {
      throw await this.abandon(client, session, transaction, error)
    }
  }

  /** Leaves nothing of a failed transaction behind, and answers what to tell the caller. */
  private async abandon(client: PoolClient, session: Session, transaction: Transaction | undefined, error: unknown): Promise<unknown> {
    const committed = await transaction?.wasCommitted()
    client.release(isUnreachable(error) || !(await session.rollback()))
    if (transaction && committed) this.parts.relay.handOver(transaction.written)
    if (error instanceof UnreplicatedCommit) return new Fault('dependency.unavailable', { detail: error.message }, { cause: error })
    return orUnavailable(error, 'in a transaction')
  }

  private backstage<Row extends object>(sql: string, doing: string): Promise<{ rows: Row[] }> {
    return translated(doing, () => this.parts.backstage.query<Row>(sql))
  }
}

async function translated<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw orUnavailable(error, doing)
  }
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work.then(() => undefined, () => undefined), late])
  clearTimeout(timer)
}
