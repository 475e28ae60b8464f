import { Fault } from '@curfew/contracts'
import { systemClock } from '@curfew/kernel'
import { ProduceAcks, Producer, type ClusterTopicMetadata } from '@platformatic/kafka'
import { setTimeout as pause } from 'node:timers/promises'
import { asFault, clientOptions, isPassing, isTooLarge, persist, type KafkaAddress } from './kafka-client.adapter.js'
import { answered, refused, type BrokerAnswer } from './kafka-produce-answer.adapter.js'
import { partitionOf } from './partition-of.js'
import type { BusLog, OutgoingRecord, Position, Publisher } from './port.js'
import { SingleFlight } from './single-flight.js'
import { within } from './within.js'

interface Placed {
  readonly record: OutgoingRecord
  readonly partition: number
  readonly bytes: number
}

/** 10,000 records or 64 MiB wait at most; who comes after is refused with `service.overloaded` and still has them (in an outbox). */
const flightLimits = { items: 10_000, bytes: 64 * 1_048_576, perFlight: 500, waitMs: 3_000 }
/** One record batch stays far below the smallest `max.message.bytes` there is (1 MiB), so that only a single record can be too large. */
const batchBytes = 512 * 1_024
/** Said with every request: the client takes `acks` from a request alone, and from its own options never (there it would mean the leader only). */
const durable = { acks: ProduceAcks.ALL, idempotent: false, repeatOnStaleMetadata: false }
/** A passing refusal (a new leader, a lost connection) is tried again for this long. */
const retryForMs = 2_000
/** The client answers within connecting (2 s) and asking (3 s); silence beyond that means that it is broken. */
const deadlineMs = 7_000
/** How old the metadata may be that a position's `topicId` is taken from. */
const refreshAfterMs = 5_000

/**
 * acks=all without idempotence: kafkajs showed that a sequence reused after an ambiguous failure loses records, and duplicates are free here.
 * One request is under way per broker; what is published meanwhile goes into the next, in order.
 */
export class KafkaPublisher implements Publisher {
  private producer: Producer<Buffer, Buffer, string, string>
  private readonly topics = new Map<string, ClusterTopicMetadata>()
  private readonly learning = new Map<string, Promise<void>>()
  private readonly flights = new Map<number, SingleFlight<Placed, Position>>()
  private readonly lastOffsets = new Map<string, bigint>()
  private unkeyed = 0
  private closed = false

  constructor(private readonly address: KafkaAddress, private readonly inside: (topic: string) => string, private readonly log: BusLog) {
    this.producer = this.connect()
  }

  async publish(records: readonly OutgoingRecord[]): Promise<Position[]> {
    if (this.closed) throw new Fault('dependency.unavailable', { detail: 'the publisher is closed' })
    for (const topic of new Set(records.map(({ topic }) => topic))) {
      const known = this.topics.get(topic)
      if (!known) await this.learn(topic)
      else if (Date.now() - known.lastUpdate > refreshAfterMs) this.learn(topic).catch(() => undefined)
    }
    const placed = records.map((record) => this.place(record))
    return Promise.all(placed.map(({ leader, ...item }) => this.flightTo(leader).submit(item, item.bytes)))
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.flights.values()].map((flight) => flight.idle()))
    await this.producer.close().catch(() => undefined)
  }

  private connect(): Producer<Buffer, Buffer, string, string> {
    return new Producer({
      ...clientOptions(this.address),
      serializers: { headerKey: (name) => Buffer.from(name ?? '', 'utf8'), headerValue: (value) => Buffer.from(value ?? '', 'utf8') },
    })
  }

  /** Reads the topic's id, partitions and leaders. One request at a time per topic. */
  private learn(topic: string): Promise<void> {
    const under = this.learning.get(topic) ?? this.readMetadata(topic).finally(() => this.learning.delete(topic))
    this.learning.set(topic, under)
    return under
  }

  private async readMetadata(topic: string): Promise<void> {
    const name = this.inside(topic)
    try {
      const found = await persist(`find ${topic}`, retryForMs, async () => (await within(this.producer.metadata({ topics: [name], forceUpdate: true }), deadlineMs, 'metadata')).topics.get(name))
      if (!found) throw new Fault('topic.unknown', { detail: `the topic ${topic} does not exist: apply the topics first` })
      this.topics.set(topic, found)
    } catch (error) {
      if (error instanceof Fault && error.code === 'topic.unknown') this.topics.delete(topic)
      throw error
    }
  }

  private place(record: OutgoingRecord): Placed & { leader: number } {
    const { partitions, partitionsCount } = this.topics.get(record.topic)!
    const partition = record.partition ?? (record.key === null ? this.unkeyed++ % partitionsCount : partitionOf(record.key, partitionsCount))
    if (partition < 0 || partition >= partitionsCount) throw new Fault('topic.unknown', { detail: `${record.topic} has no partition ${partition}` })
    return { record, partition, bytes: sizeOf(record), leader: partitions[partition]?.leader ?? -1 }
  }

  private flightTo(leader: number): SingleFlight<Placed, Position> {
    const flight = this.flights.get(leader) ?? new SingleFlight((items) => this.fly(items), systemClock, flightLimits)
    this.flights.set(leader, flight)
    return flight
  }

  /** Sends in rounds of one batch per partition; almost always one round. */
  private async fly(items: readonly Placed[]): Promise<PromiseSettledResult<Position>[]> {
    const outcomes = new Map<Placed, PromiseSettledResult<Position>>()
    const left = new Map<string, Placed[]>()
    for (const item of items) {
      const name = `${item.record.topic}/${item.partition}`
      left.set(name, [...(left.get(name) ?? []), item])
    }
    while (left.size > 0) {
      const batches = [...left].map(([name, queue]) => {
        const batch = queue.splice(0, batchLength(queue))
        if (queue.length === 0) left.delete(name)
        return batch
      })
      await this.sendUntilSettled(batches, outcomes)
    }
    return items.map((item) => outcomes.get(item)!)
  }

  private async sendUntilSettled(batches: readonly (readonly Placed[])[], outcomes: Map<Placed, PromiseSettledResult<Position>>): Promise<void> {
    const deadline = systemClock.monotonicMs() + retryForMs
    let open = batches
    while (open.length > 0) {
      const refusals = await this.send(open, outcomes)
      const again = refusals.flatMap(({ batch, error }) => this.afterRefusal(batch, error, systemClock.monotonicMs() < deadline, outcomes))
      if (again.some((batch) => batch.isPassing)) await this.recover(again.map(({ records }) => records))
      open = again.map(({ records }) => records)
    }
  }

  /** What of a refused batch is sent again; the rest is settled. A batch too large is sent record by record, so that only the culprit fails. */
  private afterRefusal(batch: readonly Placed[], error: unknown, hasTime: boolean, outcomes: Map<Placed, PromiseSettledResult<Position>>) {
    if (isTooLarge(error) && batch.length > 1) return batch.map((item) => ({ records: [item], isPassing: false }))
    if (isPassing(error) && hasTime) return [{ records: batch, isPassing: true }]
    const reason = asFault(error, `publish to ${batch[0]!.record.topic}`)
    for (const item of batch) outcomes.set(item, { status: 'rejected', reason })
    return []
  }

  private async recover(batches: readonly (readonly Placed[])[]): Promise<void> {
    await pause(50)
    await Promise.allSettled([...new Set(batches.map(([item]) => item!.record.topic))].map((topic) => this.learn(topic)))
  }

  /** One request per broker concerned; answers the batches that were refused, each with its own reason. */
  private async send(batches: readonly (readonly Placed[])[], outcomes: Map<Placed, PromiseSettledResult<Position>>): Promise<{ batch: readonly Placed[]; error: unknown }[]> {
    const messages = batches.flat().map(({ record, partition }) => ({
      topic: this.inside(record.topic), partition, key: record.key === null ? undefined : Buffer.from(record.key, 'utf8'), value: record.value as Buffer, headers: record.headers,
    }))
    let answer: BrokerAnswer
    try {
      answer = answered(await within(this.producer.send({ messages, ...durable }), deadlineMs, 'a produce request'))
    } catch (error) {
      answer = refused(error)
      if (error instanceof Error && /took longer/.test(error.message)) this.replaceProducer()
    }
    const refusals: { batch: readonly Placed[]; error: unknown }[] = []
    for (const batch of batches) {
      const [{ record, partition }] = batch as [Placed]
      const name = `${this.inside(record.topic)}/${partition}`
      const base = answer.offsets.get(name)
      if (base === undefined) refusals.push({ batch, error: answer.errors.get(name) ?? answer.error })
      else await this.accept(batch, base, outcomes)
    }
    return refusals
  }

  private async accept(batch: readonly Placed[], base: bigint, outcomes: Map<Placed, PromiseSettledResult<Position>>): Promise<void> {
    const [{ record: { topic }, partition }] = batch as [Placed]
    const name = `${topic}/${partition}`
    // Offsets only grow, unless the topic was created anew: then its id is read again before a position is given with it.
    if (base <= (this.lastOffsets.get(name) ?? -1n)) await this.learn(topic).catch(() => undefined)
    this.lastOffsets.set(name, base + BigInt(batch.length) - 1n)
    const known = this.topics.get(topic)
    batch.forEach((item, at) => outcomes.set(item, {
      status: 'fulfilled',
      value: { topic, topicId: known?.id ?? '', partition, leaderEpoch: known?.partitions[partition]?.leaderEpoch ?? -1, offset: base + BigInt(at) },
    }))
  }

  private replaceProducer(): void {
    this.log.error({}, 'a produce request got no answer at all: the producer is replaced')
    void this.producer.close().catch(() => undefined)
    this.producer = this.connect()
  }
}

function batchLength(queue: readonly Placed[]): number {
  let bytes = 0
  const first = queue.findIndex((item, at) => (bytes += item.bytes) > batchBytes && at > 0)
  return first === -1 ? queue.length : first
}

/** On the wire, roughly: the parts, their lengths, and the record's own header. */
const sizeOf = ({ key, value, headers }: OutgoingRecord): number =>
  (value?.length ?? 0) + Buffer.byteLength(key ?? '') + 70 + Object.entries(headers).reduce((sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text) + 10, 0)
