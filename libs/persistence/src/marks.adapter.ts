import type { Position } from '@curfew/bus'
import type { DatabaseLog } from './database.js'
import type { OutboxStore } from './outbox.store.js'

/** Marks wait this long for others: a statement for many rows costs little more than for one, and the server is then busy with the commits of others. */
const gatherMs = 20
const mostRows = 1000

/**
 * Writes down what was acknowledged, many rows in one statement. A mark that is lost, with this process or with the database, costs a second
 * publication and nothing else.
 */
export class Marks {
  private readonly rows = new Map<string, Position>()
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> | undefined

  constructor(private readonly store: OutboxStore, private readonly log: DatabaseLog) {}

  has(id: string): boolean {
    return this.rows.has(id)
  }

  ids(): string[] {
    return [...this.rows.keys()]
  }

  add({ id, position }: { id: string; position: Position }): void {
    this.rows.set(id, position)
    this.timer ??= setTimeout(() => void this.flush(), gatherMs)
  }

  /** Resolves when what was added before is written, or could not be. */
  async flush(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    while (this.rows.size > 0) await (this.writing ??= this.write().finally(() => (this.writing = undefined)))
  }

  private async write(): Promise<void> {
    const some = [...this.rows].slice(0, mostRows).map(([id, position]) => ({ id, position }))
    await this.store.mark(some).catch((error: unknown) => this.log.warn({ error, rows: some.length }, 'published outbox rows could not be marked; they will be published again'))
    // Forgotten only now: until they are marked, the table still calls them unpublished.
    for (const { id } of some) this.rows.delete(id)
  }
}
