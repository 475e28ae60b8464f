import type { Database } from '@curfew/persistence'
import type { ServiceLog } from '@curfew/service-kit'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExpiryStore } from '../store/expiry.store.js'
import { liveSince } from './live-since.js'

/** An hour: what is forgotten was past its time for an hour already, and an index that holds an hour's worth more is no slower. */
const everyMs = 3_600_000
/** Rows of one commit: a few milliseconds of locks that nobody waits for. */
const atATime = 1_000

/**
 * Keeps the index of live revocations as small as the live set. Nothing depends on it but speed: verdicts and snapshots also look at
 * forget-after, or may be right longer than they must.
 */
export class ExpireRevocations {
  private readonly stopping = new AbortController()
  private running: Promise<void> | undefined

  constructor(private readonly database: Database, private readonly store: ExpiryStore, private readonly log: Pick<ServiceLog, 'warn' | 'info'>) {}

  start(): void {
    this.running ??= this.run()
  }

  async close(): Promise<void> {
    this.stopping.abort()
    await this.running
  }

  /** Everything that is to be forgotten by now; answers how many. */
  async expire(): Promise<number> {
    let forgotten = 0
    for (let some = atATime; some === atATime && !this.stopping.signal.aborted; forgotten += some) {
      some = await this.database.transactEverywhere((tx) => this.store.forget(tx, liveSince(tx.now), atATime))
    }
    return forgotten
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.expire().then((forgotten) => forgotten > 0 && this.log.info({ forgotten }, 'revocations past their time left the live set'),
        (error: unknown) => this.log.warn({ err: error }, 'revocations past their time stay in the live set for now'))
      await sleep(everyMs, undefined, { signal: this.stopping.signal, ref: false }).catch(() => undefined)
    }
  }
}
