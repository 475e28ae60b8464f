import { instant, type Instant } from '@curfew/kernel'

/**
 * The watermark of a reader: the minimum over partitions of each one's highest (I9). It is undefined until every partition the latest
 * record names has spoken, because a set of watermarks is complete only over the count it names. A frozen partition does not advance.
 */
export class Watermarks {
  private readonly highest = new Map<number, Instant>()
  /** The highest offset of each frozen partition that was not applied. */
  private readonly frozen = new Map<number, bigint>()
  private named = 0

  /** Takes in one watermark record. A T beyond what the primary's clock can show is not believed. */
  advance(partition: number, at: Instant, partitions: number, primaryNowAtMost: Instant): 'advanced' | 'ignored' {
    if (this.frozen.has(partition) || at > primaryNowAtMost) return 'ignored'
    this.named = Math.max(this.named, partitions)
    const known = this.highest.get(partition)
    if (known !== undefined && known >= at) return 'ignored'
    this.highest.set(partition, at)
    return 'advanced'
  }

  /**
   * Forgets what the primary's clock cannot have shown by now: it was set back, or another server with a slower one took over. Kept, such a T would
   * look fresh until the clock is past it, however long nothing came, and hide every true one meanwhile. The next watermark of each partition replaces it.
   */
  disbelieve(primaryNowAtMost: Instant): void {
    for (const [partition, at] of this.highest) if (at > primaryNowAtMost) this.highest.delete(partition)
  }

  /** An authentic record at this offset was not applied: what lies above it proves nothing about it (PROTOCOL section 5). */
  freeze(partition: number, offset: bigint): void {
    const known = this.frozen.get(partition)
    if (known === undefined || known < offset) this.frozen.set(partition, offset)
  }

  /** Everything below these positions was taken in by other means: a partition goes on whose every unapplied record lies below its own. */
  thaw(covered: readonly bigint[]): void {
    for (const [partition, offset] of this.frozen) {
      if (offset < (covered[partition] ?? 0n)) this.frozen.delete(partition)
    }
  }

  get frozenPartitions(): number[] {
    return [...this.frozen.keys()].sort((a, b) => a - b)
  }

  /** How many partitions the records name: a reader that follows fewer has no watermark. */
  get partitions(): number {
    return this.named
  }

  get value(): Instant | undefined {
    if (this.named === 0) return undefined
    let lowest = Number.POSITIVE_INFINITY
    for (let partition = 0; partition < this.named; partition += 1) {
      const at = this.highest.get(partition)
      if (at === undefined) return undefined
      lowest = Math.min(lowest, at)
    }
    return instant(lowest)
  }
}
