import type { BusRecord } from './port.js'

/** Bounds of one partition's work. What exceeds them waits in the log: the partition is not fetched until there is room. */
export interface WorkLimits {
  /** Handlers running at once: as many keys can be slow before the others of this partition wait. */
  readonly running: number
  /** Records fetched and not begun. */
  readonly waiting: number
  /** Bytes of those. */
  readonly waitingBytes: number
  /** Records done above the lowest unfinished one; they are delivered again after a crash. */
  readonly window: number
}

/**
 * 4 MiB per partition keeps a service that reads all 48 partitions of the catalogue under 200 MiB when every one of them is stuck, one
 * fetched batch each apart. 16 handlers are as many as a pool of 10 connections keeps busy. A window of 10,000 is a second of heavy traffic.
 */
export const defaultLimits: WorkLimits = { running: 16, waiting: 1_000, waitingBytes: 4 * 1_048_576, window: 10_000 }

interface Entry {
  readonly offset: bigint
  readonly timestamp: number
  readonly key: string | null
  record: BusRecord | undefined
  state: 'waiting' | 'running' | 'done'
}

export type Handle = (record: BusRecord, signal: AbortSignal) => Promise<void>

/**
 * The records of one partition in hand: in order per key, different keys side by side, and always able to say up to where everything is done.
 * Records without a key are one key. A rejection stops the partition: nothing of it begins any more, and `stopped` says why.
 */
export class PartitionWork {
  /** Why nothing begins here any more. */
  stopped: string | undefined
  /** By offset. Those before `lowest` are done and only wait to be let go. */
  private entries: Entry[] = []
  private lowest = 0
  private readonly lanes = new Map<string | null, Entry[]>()
  /** Heads of lanes that may begin, oldest first. */
  private ready: Entry[] = []
  private readonly known = new Map<bigint, Entry>()
  /** The offset after everything taken in without a gap; undefined until something was. */
  private position: bigint | undefined
  private running = 0
  private waiting = 0
  private waitingBytes = 0
  private held = false
  private abort = new AbortController()
  private waiters: (() => void)[] = []

  /** `changed` is told after each record that ends, in whatever way. */
  constructor(private readonly handle: Handle, private readonly changed: () => void, private readonly limits: WorkLimits = defaultLimits) {}

  /** Takes in a fetched batch; `next` is the offset after it. What is in hand already (fetched again after a rebalance) is not begun twice. */
  add(records: readonly BusRecord[], next: bigint): void {
    let inOrder = true
    for (const record of records) {
      if (this.known.get(record.offset)?.timestamp === record.timestamp) continue
      const entry: Entry = { offset: record.offset, timestamp: record.timestamp, key: record.key, record, state: 'waiting' }
      inOrder &&= (this.entries.at(-1)?.offset ?? -1n) < entry.offset
      this.entries.push(entry)
      this.known.set(entry.offset, entry)
      this.queue(entry, bytesOf(record))
    }
    if (!inOrder) this.sort()
    if (this.position === undefined || next > this.position) this.position = next
    this.begin()
  }

  /** Everything below is done; undefined when nothing was taken in. */
  get committable(): bigint | undefined {
    return this.position === undefined ? undefined : (this.entries[this.lowest]?.offset ?? this.position)
  }

  get isFull(): boolean {
    return this.waiting >= this.limits.waiting || this.waitingBytes >= this.limits.waitingBytes || this.entries.length - this.lowest >= this.limits.window
  }

  /** Half empty: fetching again pays off. */
  get hasRoom(): boolean {
    return this.waiting <= this.limits.waiting / 2 && this.waitingBytes <= this.limits.waitingBytes / 2 && this.entries.length - this.lowest <= this.limits.window / 2
  }

  get isIdle(): boolean {
    return this.running === 0
  }

  /** Nothing begins until `proceed`; who is only waiting is told to stop. */
  hold(): void {
    this.held = true
    this.abort.abort(new Error('the partition is being given back'))
    this.tell()
  }

  proceed(): void {
    this.held = false
    if (this.abort.signal.aborted) this.abort = new AbortController()
    this.begin()
  }

  /** Resolves when `condition` holds; it is looked at again whenever a record ends, and when the partition is held. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiters.push(resolve))
  }

  private queue(entry: Entry, bytes: number): void {
    this.waiting += 1
    this.waitingBytes += bytes
    const lane = this.lanes.get(entry.key)
    if (lane) {
      lane.push(entry)
      return
    }
    this.lanes.set(entry.key, [entry])
    this.ready.push(entry)
  }

  private begin(): void {
    while (!this.held && this.stopped === undefined && this.running < this.limits.running && this.ready.length > 0) void this.run(this.ready.shift()!)
  }

  private async run(entry: Entry): Promise<void> {
    const record = entry.record!
    const { signal } = this.abort
    entry.state = 'running'
    this.running += 1
    this.waiting -= 1
    this.waitingBytes -= bytesOf(record)
    try {
      await this.handle(record, signal)
      entry.state = 'done'
      entry.record = undefined
    } catch (error) {
      this.notDone(entry, signal.aborted ? undefined : error)
    }
    this.running -= 1
    if (entry.state === 'done') this.nextOf(entry.key)
    this.advance()
    this.begin()
    this.changed()
    this.tell()
  }

  private tell(): void {
    for (const resolve of this.waiters.splice(0)) resolve()
  }

  private nextOf(key: string | null): void {
    const lane = this.lanes.get(key)!
    lane.shift()
    if (lane[0]) this.ready.push(lane[0])
    else this.lanes.delete(key)
  }

  private advance(): void {
    while (this.entries[this.lowest]?.state === 'done') this.known.delete(this.entries[this.lowest++]!.offset)
    if (this.lowest < 1_000 && this.lowest < this.entries.length) return
    this.entries = this.entries.slice(this.lowest)
    this.lowest = 0
  }

  private sort(): void {
    this.entries = this.entries.slice(this.lowest).sort((a, b) => (a.offset < b.offset ? -1 : 1))
    this.lowest = 0
    this.advance()
  }

  /** It stays the head of its lane, so that nothing of its key overtakes it. */
  private notDone(entry: Entry, error: unknown): void {
    entry.state = 'waiting'
    this.waiting += 1
    this.waitingBytes += bytesOf(entry.record!)
    this.ready.unshift(entry)
    if (error !== undefined) this.stopped ??= `stopped at offset ${entry.offset}: ${String(error).slice(0, 300)}`
  }
}

/** What a record keeps in memory, roughly: its parts, and 200 bytes of objects around them. */
function bytesOf({ key, value, headers }: BusRecord): number {
  const headerBytes = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
  return (value?.length ?? 0) + (key?.length ?? 0) + headerBytes + 200
}
