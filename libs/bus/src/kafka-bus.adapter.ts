import { KafkaFeed } from './kafka-feed.adapter.js'
import { KafkaGroupConsumer } from './kafka-group.adapter.js'
import { KafkaPublisher } from './kafka-publisher.adapter.js'
import { KafkaTopics } from './kafka-topics.adapter.js'
import { MessageBus, type BusLog, type ConsumeOptions, type FeedReader, type GroupConsumer, type Publisher, type TopicAdmin } from './port.js'

export interface KafkaBusOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly log: BusLog
  /** For tests that share a broker: topics and groups have it there, names outside stay plain. */
  readonly topicPrefix?: string
}

/** The bus of the distributed profile. Nothing is asked of Kafka before it is needed: a process starts whether or not it is there. */
export function kafkaBus(options: KafkaBusOptions): MessageBus {
  return new KafkaBus(options)
}

class KafkaBus extends MessageBus {
  readonly publisher: Publisher
  readonly feed: FeedReader
  readonly topics: TopicAdmin
  private readonly reader: KafkaFeed
  private readonly admin: KafkaTopics
  private readonly inside: (name: string) => string
  private readonly consumers = new Set<GroupConsumer>()

  constructor(private readonly options: KafkaBusOptions) {
    super()
    const { log, topicPrefix = '' } = options
    const inside = this.inside = (name: string): string => topicPrefix + name
    this.publisher = new KafkaPublisher(options, inside, log)
    this.feed = this.reader = new KafkaFeed(options, inside, log)
    this.topics = this.admin = new KafkaTopics(options, inside)
  }

  consume(options: ConsumeOptions): Promise<GroupConsumer> {
    const consumer = new KafkaGroupConsumer({ ...this.options, ...options, inside: this.inside, describe: (topic) => this.reader.describe(topic) }, () => this.consumers.delete(consumer))
    this.consumers.add(consumer)
    return Promise.resolve(consumer)
  }

  ping(): Promise<void> {
    return this.reader.ping()
  }

  /** Consumers first: what they still do may have to be published. */
  async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close()))
    await Promise.all([this.publisher.close(), this.reader.close(), this.admin.close()])
  }
}
