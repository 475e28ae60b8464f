import { instant, type Instant } from '@curfew/kernel'

/**
 * Quartz drifts below 100 parts in a million; ten times that costs 60 ms of a 60 s budget and covers a badly disciplined clock.
 */
export const driftPpm = 1_000

/** A lease answer: the primary's clock, and this machine's clocks at the instant the request was *sent* (PROTOCOL section 7). */
export interface ClockSample {
  readonly primary: Instant
  readonly sentMonotonicMs: number
  readonly sentWallMs: number
}

/**
 * The latest instant the primary's clock can show now. Elapsed time is the larger of the monotonic and the wall difference, since a
 * suspended machine stops the monotonic one; a wall clock that steps back adds nothing and takes nothing.
 */
export const primaryNowAtMost = (sample: ClockSample, monotonicMs: number, wallMs: number): Instant =>
  instant(sample.primary + elapsedAtMost(sample, monotonicMs, wallMs))

/** The most that can have passed since this sample was asked for, in whole ms. */
export function elapsedAtMost(sample: ClockSample, monotonicMs: number, wallMs: number): number {
  const elapsed = Math.max(monotonicMs - sample.sentMonotonicMs, wallMs - sample.sentWallMs, 0)
  return Math.ceil(elapsed * (1 + driftPpm / 1e6))
}

/** How old the answer of a denylist with this watermark may be, in ms. Without a watermark it is unbounded. */
export const stalenessMs = (watermark: Instant | undefined, primaryNow: Instant): number =>
  watermark === undefined ? Number.POSITIVE_INFINITY : Math.max(0, primaryNow - watermark)
