import { Fault, topicCatalogue, type TopicSpec } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { InProcessFeed } from './in-process-feed.adapter.js'
import { InProcessGroup } from './in-process-group.adapter.js'
import { InProcessPublisher } from './in-process-publisher.adapter.js'
import { MessageBus, type BusLog, type ConsumeOptions, type FeedReader, type GroupConsumer, type LogStore, type Publisher, type TopicAdmin, type TopicDifference } from './port.js'
import { WakeUps } from './wake-ups.js'

/** Retention is days; ten minutes more are nobody's concern. */
const expireEveryMs = 600_000

/** The bus of the embedded profile: the log is a table, groups live in this process, and an append wakes its readers at once. */
export function inProcessBus(options: { readonly store: LogStore; readonly clock: Clock; readonly log: BusLog }): MessageBus {
  return new InProcessBus(options.store, options.clock, options.log)
}

class InProcessBus extends MessageBus {
  readonly publisher: Publisher
  readonly feed: FeedReader
  readonly topics: TopicAdmin
  private readonly wakeUps = new WakeUps()
  private readonly appender: InProcessPublisher
  private readonly reader: InProcessFeed
  private readonly groups = new Map<string, InProcessGroup>()
  private readonly retention = new Map<string, number>(topicCatalogue.map(({ name, retentionMs }) => [name, retentionMs]))
  private readonly expiring = setInterval(() => void this.expire(), expireEveryMs)

  constructor(private readonly store: LogStore, clock: Clock, private readonly log: BusLog) {
    super()
    this.publisher = this.appender = new InProcessPublisher(store, this.wakeUps, clock)
    this.feed = this.reader = new InProcessFeed(store, this.wakeUps, clock, log)
    this.topics = { apply: (specs) => this.apply(specs), check: (specs) => this.check(specs) }
    this.expiring.unref()
  }

  consume(options: ConsumeOptions): Promise<GroupConsumer> {
    const group = this.groups.get(options.group) ?? new InProcessGroup(this.store, this.wakeUps, this.log)
    this.groups.set(options.group, group)
    return Promise.resolve(group.join(options))
  }

  async ping(): Promise<void> {
    try {
      await this.store.topic(topicCatalogue[0]!.name)
    } catch (cause) {
      throw new Fault('dependency.unavailable', { detail: 'the log cannot be reached' }, { cause })
    }
  }

  async close(): Promise<void> {
    clearInterval(this.expiring)
    await Promise.all([...this.groups.values()].map((group) => group.close()))
    await Promise.all([this.reader.close(), this.appender.close()])
  }

  private async apply(specs: readonly TopicSpec[]): Promise<string[]> {
    const done: string[] = []
    for (const spec of specs) {
      const before = await this.store.topic(spec.name)
      if (!before || before.partitions < spec.partitions) await this.store.ensureTopic(spec.name, spec.partitions)
      if (!before) done.push(`created ${spec.name} with ${spec.partitions} partitions`)
      else if (before.partitions < spec.partitions) done.push(`raised ${spec.name} from ${before.partitions} to ${spec.partitions} partitions`)
      this.appender.declare(spec)
      this.retention.set(spec.name, spec.retentionMs)
    }
    if (done.length > 0) await Promise.all([...this.groups.values()].map((group) => group.share()))
    return done
  }

  /** Partitions alone can differ: sizes and retention are enforced here, from the catalogue itself. */
  private async check(specs: readonly TopicSpec[]): Promise<TopicDifference[]> {
    const found = await Promise.all(specs.map(async ({ name, partitions }): Promise<TopicDifference[]> => {
      const there = await this.store.topic(name)
      if (!there) return [{ topic: name, what: 'does not exist' }]
      return there.partitions === partitions ? [] : [{ topic: name, what: `has ${there.partitions} partitions instead of ${partitions}` }]
    }))
    return found.flat()
  }

  private async expire(): Promise<void> {
    for (const [topic, retentionMs] of this.retention) {
      try {
        if (await this.store.topic(topic)) await this.store.expire(topic, retentionMs)
      } catch (error) {
        this.log.warn({ topic, err: error }, 'old records could not be deleted')
      }
    }
  }
}
