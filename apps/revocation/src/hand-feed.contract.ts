import type { BusRecord, FeedReader, OutgoingRecord, Position, Publisher, TopicDescription } from '@curfew/bus'
import { partitionOf } from '@curfew/bus'
import { Fault, topics } from '@curfew/contracts'
import { HandBus } from '@curfew/service-kit/testing'
import { randomUUID } from 'node:crypto'

interface HandLog {
  topicId: string
  partitions: BusRecord[][]
}

const emptyLog = (partitions: number): HandLog => ({ topicId: randomUUID(), partitions: Array.from({ length: partitions }, () => []) })

const away = (): Fault => new Fault('dependency.unavailable', { detail: 'the log is away' })

/**
 * The feed's log as a test holds it in its hands: it can go away, hang, and be made anew. What goes to other topics is in `published`, and commands are
 * handed to the consumers, as `HandBus` does.
 */
export class HandFeed extends HandBus {
  mode: 'works' | 'away' | 'hangs' = 'works'
  private hanging: (() => void)[] = []

  constructor(private readonly log: HandLog = emptyLog(topics.revocations.partitions)) {
    super()
  }

  /** The same log as another process reaches it: it may be away for one and not for the other. */
  another(): HandFeed {
    return new HandFeed(this.log)
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
    describe: () => this.answer((): TopicDescription => ({ topicId: this.log.topicId, partitions: this.log.partitions.length })),
    startOffsets: () => this.answer(() => this.log.partitions.map(() => 0n)),
    endOffsets: () => this.answer(() => this.log.partitions.map((log) => BigInt(log.length))),
    tail: () => Promise.reject(new Error('nobody follows this feed')),
  }

  /** What hung goes on, or fails, by the new mode. */
  become(mode: HandFeed['mode']): void {
    this.mode = mode
    for (const go of this.hanging.splice(0)) go()
  }

  /** The topic is deleted and made again: empty, with another id. */
  recreate(partitions = this.log.partitions.length): void {
    Object.assign(this.log, emptyLog(partitions))
  }

  grow(partitions: number): void {
    while (this.log.partitions.length < partitions) this.log.partitions.push([])
  }

  get incarnation(): string {
    return this.log.topicId
  }

  /** Everything in the log, partition by partition. */
  get records(): readonly BusRecord[] {
    return this.log.partitions.flat()
  }

  get partitionNumbers(): number[] {
    return this.log.partitions.map((_, partition) => partition)
  }

  partition(at: number): readonly BusRecord[] {
    return this.log.partitions[at] ?? []
  }

  private append(record: OutgoingRecord): Position {
    if (record.topic !== topics.revocations.name) {
      this.published.push(record)
      return { topic: record.topic, topicId: 'other', partition: 0, leaderEpoch: 0, offset: BigInt(this.published.length) }
    }
    const partition = record.partition ?? partitionOf(record.key ?? '', this.log.partitions.length)
    const log = this.log.partitions[partition]
    if (log === undefined) throw away()
    const { topic, key, value, headers } = record
    const offset = BigInt(log.length)
    log.push({ topic, key, value, headers, partition, offset, timestamp: Date.now() })
    return { topic, topicId: this.log.topicId, partition, leaderEpoch: 0, offset }
  }

  private async answer<T>(read: () => T): Promise<T> {
    if (this.mode !== 'works') throw away()
    return read()
  }
}
