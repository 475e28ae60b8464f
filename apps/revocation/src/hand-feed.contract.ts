import type { BusRecord, FeedReader, OutgoingRecord, Position, Publisher, TopicDescription } from '@curfew/bus'
import { partitionOf } from '@curfew/bus'
import { Fault, topics } from '@curfew/contracts'
import { HandBus } from '@curfew/service-kit/testing'
import { randomUUID } from 'node:crypto'

const away = (): Fault => new Fault('dependency.unavailable', { detail: 'the log is away' })

/** A log of one topic that a test holds in its hands: it can go away, hang, and be made anew. Commands are handed to the consumers as `HandBus` does. */
export class HandFeed extends HandBus {
  mode: 'works' | 'away' | 'hangs' = 'works'
  private topicId = randomUUID()
  private logs: BusRecord[][]
  private hanging: (() => void)[] = []

  constructor(partitions = topics.revocations.partitions) {
    super()
    this.logs = Array.from({ length: partitions }, () => [])
  }

  override readonly publisher: Publisher = {
    publish: async (records) => {
      if (this.mode === 'hangs') await new Promise<void>((resolve) => this.hanging.push(resolve))
      if (this.mode === 'away') throw away()
      return records.map((record) => this.append(record))
    },
    close: () => Promise.resolve(),
  }

  override readonly feed: FeedReader = {
    describe: () => this.answer((): TopicDescription => ({ topicId: this.topicId, partitions: this.logs.length })),
    startOffsets: () => this.answer(() => this.logs.map(() => 0n)),
    endOffsets: () => this.answer(() => this.logs.map((log) => BigInt(log.length))),
    tail: () => Promise.reject(new Error('nobody follows this feed')),
  }

  /** What hung goes on, or fails, by the new mode. */
  become(mode: HandFeed['mode']): void {
    this.mode = mode
    for (const go of this.hanging.splice(0)) go()
  }

  /** The topic is deleted and made again: empty, with another id. */
  recreate(partitions = this.logs.length): void {
    this.topicId = randomUUID()
    this.logs = Array.from({ length: partitions }, () => [])
  }

  grow(partitions: number): void {
    while (this.logs.length < partitions) this.logs.push([])
  }

  get incarnation(): string {
    return this.topicId
  }

  /** Everything in the log, partition by partition. */
  get records(): readonly BusRecord[] {
    return this.logs.flat()
  }

  partition(at: number): readonly BusRecord[] {
    return this.logs[at] ?? []
  }

  private append(record: OutgoingRecord): Position {
    const partition = record.partition ?? partitionOf(record.key ?? '', this.logs.length)
    const log = this.logs[partition]
    if (log === undefined) throw away()
    const { topic, key, value, headers } = record
    const offset = BigInt(log.length)
    log.push({ topic, key, value, headers, partition, offset, timestamp: Date.now() })
    return { topic, topicId: this.topicId, partition, leaderEpoch: 0, offset }
  }

  private async answer<T>(read: () => T): Promise<T> {
    if (this.mode !== 'works') throw away()
    return read()
  }
}
