import { Fault, type ProblemCode } from '@curfew/contracts'

/** What becomes of a record whose handling has failed. */
export type Next =
  | { readonly kind: 'park'; readonly reason: ProblemCode; readonly detail: string }
  | { readonly kind: 'retry'; readonly afterMs: number }

/** 50 ms outlasts a lock or a failover of a connection; eight attempts take 6.4 s, after which the key has waited long enough. */
export const maxAttempts = 8
const firstPauseMs = 50
const longestPauseMs = 5_000

/** How long to wait after the n-th failure: 50 ms, doubling up to 5 s. */
export const pauseAfter = (failures: number): number => Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 20), longestPauseMs)

/**
 * The rule of delivery, by the fault's `onConsume`: what cannot succeed is parked at once; what may succeed is tried again, eight times in all;
 * what waits for a dependency is tried for as long as it takes. An error that is no fault is a defect of ours: tried eight times, then parked as `internal`.
 */
export function whatNext(error: unknown, attempt: number): Next {
  const { reason, detail, onConsume } = error instanceof Fault ? { reason: error.code, detail: error.message, onConsume: error.onConsume } : defect(error)
  if (onConsume === 'park' || (onConsume === 'retry' && attempt >= maxAttempts)) return { kind: 'park', reason, detail }
  return { kind: 'retry', afterMs: pauseAfter(attempt) }
}

const defect = (error: unknown) => ({ reason: 'internal', detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error), onConsume: 'retry' }) as const
