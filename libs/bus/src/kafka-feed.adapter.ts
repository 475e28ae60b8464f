import { Fault } from '@curfew/contracts'
import { Consumer, ListOffsetTimestamps, type ClusterTopicMetadata } from '@platformatic/kafka'
import { asFault, clientOptions, persist, type KafkaAddress } from './kafka-client.adapter.js'
import { KafkaTail } from './kafka-tail.adapter.js'
import type { BusLog, FeedReader, Tail, TailOptions, TopicDescription } from './port.js'

/** A leader's failover on one machine; a caller that can wait longer asks again. */
const patienceMs = 3_000

/** A client that reads without a group never joins one; the constructor wants a name all the same. */
export const groupless = 'curfew.groupless'

export class KafkaFeed implements FeedReader {
  private readonly client: Consumer<Buffer, Buffer, Buffer, Buffer>
  private readonly open = new Set<Tail>()

  constructor(private readonly address: KafkaAddress, private readonly inside: (topic: string) => string, private readonly log: BusLog) {
    this.client = new Consumer({ ...clientOptions(address), groupId: groupless })
  }

  async describe(topic: string): Promise<TopicDescription> {
    const { id, partitionsCount } = await this.metadata(topic)
    return { topicId: id, partitions: partitionsCount }
  }

  startOffsets(topic: string): Promise<bigint[]> {
    return this.offsets(topic, ListOffsetTimestamps.EARLIEST)
  }

  endOffsets(topic: string): Promise<bigint[]> {
    return this.offsets(topic, ListOffsetTimestamps.LATEST)
  }

  async tail(options: TailOptions): Promise<Tail> {
    const { topicId } = await this.describe(options.topic)
    const tail = new KafkaTail(this.address, { ...options, inside: this.inside(options.topic), topicId }, this.log, () => this.open.delete(tail))
    this.open.add(tail)
    return tail
  }

  /** Rejects when no broker answers. */
  async ping(): Promise<void> {
    try {
      await this.client.metadata({ topics: [], forceUpdate: true })
    } catch (error) {
      throw asFault(error, 'reach Kafka')
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.open].map((tail) => tail.close()))
    await this.client.close(true).catch(() => undefined)
  }

  private metadata(topic: string): Promise<ClusterTopicMetadata> {
    return persist(`describe ${topic}`, patienceMs, async () => {
      const { topics } = await this.client.metadata({ topics: [this.inside(topic)], forceUpdate: true })
      const found = topics.get(this.inside(topic))
      if (!found) throw new Fault('topic.unknown', { detail: `the topic ${topic} does not exist: apply the topics first` })
      return found
    })
  }

  private offsets(topic: string, timestamp: bigint): Promise<bigint[]> {
    return persist(`read the offsets of ${topic}`, patienceMs, async () => {
      // Its own metadata is kept for an hour; partitions may have been added since.
      const { partitionsCount } = await this.metadata(topic)
      const offsets = (await this.client.listOffsets({ topics: [this.inside(topic)], timestamp })).get(this.inside(topic))
      return Array.from({ length: partitionsCount }, (_, partition) => offsets?.[partition] ?? 0n)
    })
  }
}
