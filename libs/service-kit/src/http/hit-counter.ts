import type { Clock } from '@curfew/kernel'
import type { SharedMemory } from '../shared-memory.js'

export interface Hits {
  readonly hits: number
  readonly resetMs: number
}

/** Below this share of the limit nobody is near it, whatever other instances counted since: then a request need not wait to be counted. */
const farBelow = 0.5
/** Callers remembered; past it all are forgotten, which costs each one wait. */
const mostKnown = 10_000

/**
 * Counts hits in the shared memory without making every request wait for it: while the last known count is far below the limit, the hit is
 * counted behind the request. A limit is overshot by no more than the requests under way at the instant it is reached.
 */
export class HitCounter {
  private readonly known = new Map<string, { hits: number; readonly endsAt: number }>()

  constructor(private readonly memory: SharedMemory, private readonly clock: Pick<Clock, 'monotonicMs'>, private readonly windowMs: number, private readonly limit: number) {}

  async hit(key: string): Promise<Hits> {
    const counted = this.memory.hit(key, this.windowMs).then((answer) => this.learn(key, answer))
    const known = this.known.get(key)
    const leftMs = (known?.endsAt ?? 0) - this.clock.monotonicMs()
    if (known === undefined || leftMs <= 0 || known.hits >= this.limit * farBelow) return counted
    counted.catch(() => undefined)
    known.hits += 1
    return { hits: known.hits, resetMs: leftMs }
  }

  private learn(key: string, answer: Hits): Hits {
    if (this.known.size >= mostKnown && !this.known.has(key)) this.known.clear()
    const endsAt = this.clock.monotonicMs() + answer.resetMs
    const before = this.known.get(key)
    // Answers may come out of order within one window; the larger count is the later one.
    const isSameWindow = before !== undefined && Math.abs(before.endsAt - endsAt) < this.windowMs / 2
    this.known.set(key, { hits: isSameWindow ? Math.max(before.hits, answer.hits) : answer.hits, endsAt })
    return answer
  }
}
