import type { Pool } from 'pg'
import type { DatabaseLog } from './database.js'
import type { OutboxStore } from './outbox.store.js'
import { idempotencyKeptMs } from './transaction.adapter.js'

/** Often enough that a run finds a minute's worth of rows, not an hour's. */
const everyMs = 60_000
/** Twice the seven days that the topics services consume retain: whatever can still be delivered again is recognised, with a week for a replay. */
const inboxKeptMs = 14 * 24 * 3_600_000
const chunk = 1000

/** Forgets what has served its time, a chunk at a time, each in a commit of its own. Several instances at it share the work. */
export class Purge {
  private readonly timer: NodeJS.Timeout
  private running: Promise<void> = Promise.resolve()
  private isClosing = false
  private isRunning = false

  constructor(private readonly pool: Pool, private readonly outbox: OutboxStore, private readonly log: DatabaseLog) {
    this.timer = setInterval(() => void this.start(), everyMs)
    this.timer.unref()
  }

  async run(): Promise<void> {
    for (let after: string | undefined = '00000000-0000-0000-0000-000000000000'; after !== undefined && !this.isClosing;) after = await this.outbox.purge(after)
    await this.purgeTable('inbox', 'seen_at', inboxKeptMs)
    await this.purgeTable('idempotency', 'reserved_at', idempotencyKeptMs)
  }

  async close(): Promise<void> {
    this.isClosing = true
    clearInterval(this.timer)
    await this.running
  }

  private start(): void {
    if (this.isRunning) return
    this.isRunning = true
    this.running = this.run().catch((error: unknown) => this.log.warn({ error }, 'old outbox, inbox and idempotency rows could not be purged'))
      .finally(() => (this.isRunning = false))
  }

  private async purgeTable(table: string, column: string, keptMs: number): Promise<void> {
    for (let gone = chunk; gone === chunk && !this.isClosing;) {
      const { rowCount } = await this.pool.query(`DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${table} WHERE ${column} < clock_timestamp() - $1::float8 * interval '1 millisecond' LIMIT ${chunk} FOR UPDATE SKIP LOCKED))`, [keptMs])
      gone = rowCount ?? 0
    }
  }
}
