export interface UntilOptions {
  readonly timeoutMs: number
  /** Completes the sentence "gave up waiting for …". */
  readonly what: string
}

/** How often a condition is asked: far below any latency a test asserts, and cheap enough for two cores. */
const pauseMs = 10

/**
 * Resolves with the first truthy answer of `condition`, or fails naming what did not happen in time.
 * A condition that throws counts as "not yet"; the last error becomes the cause.
 */
export async function until<T>(condition: () => T | Promise<T>, { timeoutMs, what }: UntilOptions): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  do {
    try {
      const answer = await condition()
      if (answer) return answer
    } catch (error) {
      cause = error
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  } while (performance.now() < deadline)
  throw new Error(`gave up waiting for ${what} after ${timeoutMs} ms`, { cause })
}
