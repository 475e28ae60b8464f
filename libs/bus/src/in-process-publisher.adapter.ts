import { Fault, topicCatalogue, type TopicSpec } from '@curfew/contracts'
import type { Clock } from '@curfew/kernel'
import { partitionOf } from './partition-of.js'
import type { LogStore, OutgoingRecord, Position, Publisher, TopicDescription } from './port.js'
import { SingleFlight } from './single-flight.js'
import type { WakeUps } from './wake-ups.js'

type Placed = OutgoingRecord & { readonly partition: number; readonly topicId: string }

/** Kafka's default for a topic that nobody declared. */
const undeclaredMaxBytes = 1_048_588
const flightLimits = { items: 10_000, bytes: 64 * 1_048_576, perFlight: 500, waitMs: 3_000 }

/** Appends in flights: what queues while one append is under way goes into the next, in order. */
export class InProcessPublisher implements Publisher {
  private readonly flights: SingleFlight<Placed, Position>
  private readonly declared = new Map<string, TopicSpec>(topicCatalogue.map((spec) => [spec.name, spec]))
  private readonly known = new Map<string, TopicDescription>()
  private unkeyed = 0
  private closed = false

  constructor(private readonly store: LogStore, private readonly wakeUps: WakeUps, clock: Clock) {
    this.flights = new SingleFlight((records) => this.append(records), clock, flightLimits)
  }

  declare(spec: TopicSpec): void {
    this.declared.set(spec.name, spec)
    this.known.delete(spec.name)
  }

  async publish(records: readonly OutgoingRecord[]): Promise<Position[]> {
    if (this.closed) throw new Fault('dependency.unavailable', { detail: 'the publisher is closed' })
    for (const name of new Set(records.map(({ topic }) => topic))) if (!this.known.has(name)) await this.learn(name)
    const placed = records.map((record) => this.place(record))
    return Promise.all(placed.map((record) => this.flights.submit(record, record.value?.length ?? 0)))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.flights.idle()
  }

  private async learn(name: string): Promise<void> {
    const description = await this.store.topic(name)
    if (!description) throw new Fault('topic.unknown', { detail: `the topic ${name} does not exist: apply the topics first` })
    this.known.set(name, description)
  }

  private place(record: OutgoingRecord): Placed {
    const { topicId, partitions } = this.known.get(record.topic)!
    const partition = record.partition ?? (record.key === null ? this.unkeyed++ % partitions : partitionOf(record.key, partitions))
    if (partition < 0 || partition >= partitions) throw new Fault('topic.unknown', { detail: `${record.topic} has no partition ${partition}` })
    const bytes = sizeOf(record)
    const limit = this.declared.get(record.topic)?.maxBytes ?? undeclaredMaxBytes
    if (bytes > limit) throw new Fault('record.too_large', { detail: `the record has ${bytes} bytes, ${record.topic} takes ${limit}` })
    return { ...record, partition, topicId }
  }

  private async append(records: readonly Placed[]): Promise<PromiseSettledResult<Position>[]> {
    const { offsets } = await this.store.append(records)
    for (const { topic, partition } of records) this.wakeUps.wake(topic, partition)
    // One log has one leader for ever: epoch 0.
    return records.map(({ topic, topicId, partition }, at) => ({ status: 'fulfilled', value: { topic, topicId, partition, leaderEpoch: 0, offset: offsets[at]! } }))
  }
}

const sizeOf = ({ key, value, headers }: OutgoingRecord): number =>
  (value?.length ?? 0) + Buffer.byteLength(key ?? '') + Object.entries(headers).reduce((sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text), 0)
