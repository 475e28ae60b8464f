import type { Clock } from '@curfew/kernel'
import { SharedMemory } from '../shared-memory.js'

interface Kept {
  readonly value: string
  readonly until: number
}

interface Window {
  hits: number
  readonly until: number
}

/** A key and a value of some hundred bytes each: tens of MiB at most. Beyond it the oldest is forgotten, which makes things slower and never wrong. */
const defaultLimit = 100_000

/** The memory of one process: for the embedded profile, and for as long as Redis is away. */
export class LocalMemory extends SharedMemory {
  private readonly windows = new Map<string, Window>()
  private readonly values = new Map<string, Kept>()

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>, private readonly limit = defaultLimit) {
    super()
  }

  hit(key: string, windowMs: number): Promise<{ hits: number; resetMs: number }> {
    const now = this.clock.monotonicMs()
    const known = this.windows.get(key)
    const window = known !== undefined && known.until > now ? known : { hits: 0, until: now + windowMs }
    window.hits += 1
    keep(this.windows, key, window, this.limit)
    return Promise.resolve({ hits: window.hits, resetMs: Math.ceil(window.until - now) })
  }

  get(key: string): Promise<string | undefined> {
    const kept = this.values.get(key)
    if (kept !== undefined && kept.until > this.clock.monotonicMs()) return Promise.resolve(kept.value)
    this.values.delete(key)
    return Promise.resolve(undefined)
  }

  put(key: string, value: string, ttlMs: number): Promise<void> {
    keep(this.values, key, { value, until: this.clock.monotonicMs() + ttlMs }, this.limit)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.windows.clear()
    this.values.clear()
    return Promise.resolve()
  }
}

/** The map's order is that of the last write, so what goes first is what was not written for longest. */
function keep<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limit) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
