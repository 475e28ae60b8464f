import { instant, type Instant } from './instant.js'

/** Where time enters. `now` may step either way; `monotonicMs` never goes back and has no epoch: use it for durations. */
export interface Clock {
  now(): Instant
  monotonicMs(): number
}

export const systemClock: Clock = {
  now: () => instant(Date.now()),
  monotonicMs: () => performance.now(),
}

/** A clock a test sets by hand. Wall and monotonic time move together unless `step` moves the wall alone. */
export class ManualClock implements Clock {
  private wall: number
  private monotonic = 0
  constructor(start: number) {
    this.wall = start
  }
  now = (): Instant => instant(this.wall)
  monotonicMs = (): number => this.monotonic
  advance(ms: number): void {
    this.wall += ms
    this.monotonic += ms
  }
  /** The wall clock jumps; durations are unaffected. */
  step(ms: number): void {
    this.wall += ms
  }
}
