import type { Instant } from '@curfew/kernel'
import type { ServiceLog } from '@curfew/service-kit'
import { setTimeout as sleep } from 'node:timers/promises'
import { pauseAfter } from './pause.js'

export interface WatermarkTurns {
  turn(afterFailure: boolean): Promise<Instant | undefined>
  release(): Promise<void>
}

/** What the loop tells of itself; metrics listen. */
export interface WatermarkObserver {
  advanced(at: Instant): void
  failed(): void
}

/** A turn that hangs in a dead connection must not hold up the end of the process; whatever it does later is only an older truth. */
const longestGoodbyeMs = 3_000

/** Takes one turn after another until it is closed, less often while they fail. It never throws: without it gateways go stale and refuse, which they say themselves. */
export class WatermarkLoop {
  private readonly stopping = new AbortController()
  private running: Promise<void> | undefined

  constructor(
    private readonly turns: WatermarkTurns, private readonly intervalMs: number,
    private readonly observer: WatermarkObserver, private readonly log: Pick<ServiceLog, 'warn' | 'info'>,
  ) {}

  start(): void {
    this.running ??= this.run()
  }

  async close(): Promise<void> {
    this.stopping.abort()
    const goodbye = new AbortController()
    const leave = (this.running ?? Promise.resolve()).then(() => this.turns.release()).catch(() => undefined)
    await Promise.race([leave, sleep(longestGoodbyeMs, undefined, { signal: goodbye.signal }).catch(() => undefined)])
    goodbye.abort()
  }

  private async run(): Promise<void> {
    let failures = 0
    while (!this.stopping.signal.aborted) {
      failures = await this.take(failures)
      await sleep(pauseAfter(failures, this.intervalMs), undefined, { signal: this.stopping.signal }).catch(() => undefined)
    }
  }

  private async take(failures: number): Promise<number> {
    try {
      const at = await this.turns.turn(failures > 0)
      if (at !== undefined) this.observer.advanced(at)
      if (failures > 0) this.log.info({ failures }, 'watermarks are published again')
      return 0
    } catch (error) {
      this.observer.failed()
      // The first failure of a row of them is news, the others are the same news.
      if (failures === 0) this.log.warn({ err: error }, 'a watermark could not be published; gateways become stale until one can')
      return failures + 1
    }
  }
}
