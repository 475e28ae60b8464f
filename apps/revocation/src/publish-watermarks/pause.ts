/** Past it an operator who has repaired the log would wait for us; below it a log that is down is not hammered. */
export const longestPauseMs = 5_000

/** How long to wait before the next turn: the interval after a good one, twice as long after each failure in a row. */
export const pauseAfter = (failures: number, intervalMs: number): number =>
  failures === 0 ? intervalMs : Math.max(intervalMs, Math.min(longestPauseMs, intervalMs * 2 ** Math.min(failures, 20)))

/**
 * How long one instance keeps the loop to itself: two intervals and the time of a slow turn. With the default interval of 500 ms another
 * instance takes over within 1.9 s of the last turn, as it tries once an interval.
 */
export const holdMs = (intervalMs: number): number => 2 * intervalMs + 400
