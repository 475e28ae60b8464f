import type { Clock } from '@curfew/kernel'
import type { BusRecord, LogStore, OutgoingRecord, TopicDescription } from './port.js'

interface MemoryTopic {
  readonly topicId: string
  readonly partitions: { first: bigint; records: BusRecord[] }[]
}

/** A log that lasts as long as its object: for tests, which restart a bus on it, take it away with `fail`, and make topics anew with `remove`. */
export class MemoryLogStore implements LogStore {
  /** Thrown by every call while set. */
  fail: Error | undefined
  private readonly topics = new Map<string, MemoryTopic>()
  private readonly offsets = new Map<string, Map<number, bigint>>()
  private created = 0

  constructor(private readonly clock: Clock) {}

  async ensureTopic(name: string, partitions: number): Promise<TopicDescription> {
    await this.reachable()
    const topic = this.topics.get(name) ?? { topicId: `memory-${(this.created += 1)}`, partitions: [] }
    while (topic.partitions.length < partitions) topic.partitions.push({ first: 0n, records: [] })
    this.topics.set(name, topic)
    return { topicId: topic.topicId, partitions: topic.partitions.length }
  }

  async topic(name: string): Promise<TopicDescription | undefined> {
    await this.reachable()
    const topic = this.topics.get(name)
    return topic && { topicId: topic.topicId, partitions: topic.partitions.length }
  }

  remove(name: string): void {
    this.topics.delete(name)
  }

  async append(records: readonly (OutgoingRecord & { readonly partition: number })[]): Promise<{ offsets: bigint[]; timestamp: number }> {
    await this.reachable()
    const timestamp = this.clock.now()
    const offsets = records.map(({ topic, partition, key, value, headers }) => {
      const { first, records: kept } = this.partition(topic, partition)
      const offset = first + BigInt(kept.length)
      kept.push({ topic, partition, offset, key, value, headers, timestamp })
      return offset
    })
    return { offsets, timestamp }
  }

  async read(topic: string, partition: number, from: bigint, limit: number): Promise<BusRecord[]> {
    await this.reachable()
    const { first, records } = this.partition(topic, partition)
    const at = from < first ? 0 : Number(from - first)
    return records.slice(at, at + limit)
  }

  async bounds(name: string): Promise<[bigint, bigint][]> {
    await this.reachable()
    return this.topics.get(name)!.partitions.map(({ first, records }) => [first, first + BigInt(records.length)])
  }

  async committed(group: string, topic: string): Promise<Map<number, bigint>> {
    await this.reachable()
    return new Map(this.offsets.get(`${group} ${topic}`))
  }

  async commit(group: string, topic: string, partition: number, next: bigint): Promise<void> {
    await this.reachable()
    const offsets = this.offsets.get(`${group} ${topic}`) ?? new Map<number, bigint>()
    this.offsets.set(`${group} ${topic}`, offsets.set(partition, next))
  }

  async expire(name: string, olderThanMs: number): Promise<void> {
    await this.reachable()
    for (const partition of this.topics.get(name)?.partitions ?? []) {
      const kept = partition.records.findIndex(({ timestamp }) => timestamp >= this.clock.now() - olderThanMs)
      const gone = partition.records.splice(0, kept === -1 ? partition.records.length : kept)
      partition.first += BigInt(gone.length)
    }
  }

  // A turn of the event loop: no caller may rely on an answer within its own turn.
  private async reachable(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.fail) throw this.fail
  }

  private partition(topic: string, partition: number): MemoryTopic['partitions'][number] {
    const found = this.topics.get(topic)?.partitions[partition]
    if (!found) throw new Error(`there is no ${topic}/${partition}`)
    return found
  }
}
