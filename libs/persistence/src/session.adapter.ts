import { instant, type Instant } from '@curfew/kernel'
import { escapeLiteral, type ClientBase, type PoolClient, type QueryResult } from 'pg'
import { PreparedStatements } from './prepared-statements.js'

type Notice = { readonly code?: string; readonly message?: string }

/** The primary's clock in whole milliseconds, dropped towards the past. */
export const primaryClock = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::float8'

const warnings = new WeakMap<ClientBase, Notice[]>()

/** Makes a new connection ready for transactions. A connection that breaks while nobody listens must not end the process. */
export async function prepareConnection(client: ClientBase): Promise<void> {
  const raised: Notice[] = []
  warnings.set(client, raised)
  client.on('error', () => undefined)
  // Severities are translated, codes are not: plain notices have 00000.
  client.on('notice', (notice: Notice) => notice.code !== '00000' && raised.push(notice))
  // Planned once a connection instead of once a transaction: it is the first thing that every transaction waits for.
  await client.query(`PREPARE curfew_begin (text) AS SELECT set_config('curfew.tenant', $1, true), ${primaryClock} AS now`)
}

/**
 * One connection while a transaction is on it. The connection is pipelined: a statement is on its way when its method returns,
 * whether the one before it was answered or not, and statements run in the order they were sent.
 */
export class Session {
  /** Statements sent so far. */
  sent = 0

  constructor(private readonly client: PoolClient, private readonly prepared: PreparedStatements) {}

  /** Opens a transaction for a tenant and reads the primary's clock: one round trip. */
  async begin(tenant: string): Promise<Instant> {
    const results = (await this.client.query(
      `START TRANSACTION; EXECUTE curfew_begin (${escapeLiteral(tenant)})`)) as unknown as QueryResult<{ now: number }>[]
    return instant(results[1]?.rows[0]?.now as number)
  }

  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    this.sent++
    const name = parameters.length > 0 ? this.prepared.nameOf(sql) : undefined
    const result = await this.client.query({ name, text: sql, values: parameters as unknown[] })
    return result.rows as Row[]
  }

  /** Resolves when the commit is durable, on the synchronous standbys too where there are any. */
  async commit(): Promise<void> {
    const raised = warnings.get(this.client) as Notice[]
    raised.length = 0
    const { command } = await this.client.query('COMMIT')
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement in it had failed')
    // "canceling the wait for synchronous replication": committed here, and perhaps nowhere else (PROTOCOL section 5).
    if (raised.length > 0) throw new UnreplicatedCommit('the commit ended before the standbys had it', { cause: raised[0] })
  }

  /** False when the connection can no longer be trusted. */
  async rollback(): Promise<boolean> {
    return this.client.query('ROLLBACK').then(() => true, () => false)
  }
}

/** Its work took place on the primary, but a failover may lose it: nobody is told that it succeeded. */
export class UnreplicatedCommit extends Error {
  override name = 'UnreplicatedCommit'
}
