import type { Clock } from './clock.js'

/** How loudly a failed attempt is to be told, and how long the outage has lasted by then. */
export interface OutageNews {
  readonly level: 'info' | 'warn'
  readonly lastedMs: number
}

/** Neighbours that start together find each other within this time; only what lasts longer is anybody's concern. */
const graceMs = 5_000
/** Often enough to see in a log that it goes on, seldom enough to find anything else there. */
const repeatMs = 30_000

/**
 * Decides which failures of one thing that is tried again and again are worth a line: the first quietly, one aloud when it has lasted five
 * seconds, then one in thirty; and its end, so that nobody is left with a beginning. It counts nothing; whoever needs each failure has a metric.
 */
export class Outage {
  private beganAt: number | undefined
  private toldAt: number | undefined

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** An attempt failed. Undefined when there is nothing new to say. */
  failed(): OutageNews | undefined {
    const now = this.clock.monotonicMs()
    if (this.beganAt === undefined) {
      this.beganAt = now
      return { level: 'info', lastedMs: 0 }
    }
    const lastedMs = Math.round(now - this.beganAt)
    if (lastedMs < graceMs || (this.toldAt !== undefined && now - this.toldAt < repeatMs)) return undefined
    this.toldAt = now
    return { level: 'warn', lastedMs }
  }

  /** An attempt succeeded. How long the outage was that is over now, to be told at `info`; undefined when there was none. */
  over(): number | undefined {
    const lastedMs = this.beganAt === undefined ? undefined : Math.round(this.clock.monotonicMs() - this.beganAt)
    this.beganAt = this.toldAt = undefined
    return lastedMs
  }
}
