import type { TopicSpec } from '@curfew/contracts'

/** What the bus says while it works. Pino's shape, so that a pino logger is one. Keys, values and header values are never logged (I12). */
export interface BusLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Where a record stands in one incarnation of a topic. A recreated topic has another `topicId`. */
export interface Position {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: bigint
}

export interface OutgoingRecord {
  readonly topic: string
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** Chosen from the key (murmur2, as every Kafka client does) unless given. */
  readonly partition?: number
}

export interface BusRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** Broker or log append time, ms since epoch. */
  readonly timestamp: number
}

export interface Publisher {
  /**
   * Resolves when every record is acknowledged by all in-sync replicas, with positions in input order; rejects when it cannot say so,
   * and then some of them may have been written. Faults: `record.too_large`; `service.overloaded` when its queue is full;
   * `topic.unknown`; `dependency.unavailable` when the log cannot be reached.
   */
  publish(records: readonly OutgoingRecord[]): Promise<Position[]>
  close(): Promise<void>
}

export interface ConsumeOptions {
  readonly group: string
  readonly topics: readonly string[]
  /**
   * Called at least once per record, in order per (topic, partition, key); different keys run side by side.
   * It must settle: a rejection is a defect of the caller (retry and parking are decided above the port) and stops that
   * partition with a failing health, never the process. The offset is committed after it resolves.
   * `signal` aborts when the partition is taken away or the consumer closes: whoever is only waiting then stops, and a rejection
   * then means no more than "not done": the record is delivered again, here or elsewhere.
   */
  readonly onRecord: (record: BusRecord, signal: AbortSignal) => Promise<void>
  /** Where a group with no committed offset starts. Default 'earliest'. */
  readonly from?: 'earliest' | 'latest'
  /** How long records may gather before they are handed over, ms: for readers that keep books, so that each record does not wake them. Absent: at once. */
  readonly gatherMs?: number
}

export interface GroupConsumer {
  /** Stops fetching, lets running handlers finish (for a bounded time), commits, leaves the group. */
  close(): Promise<void>
  /** Undefined when healthy, else one sentence. */
  unhealthy(): string | undefined
}

export interface TopicDescription {
  readonly topicId: string
  readonly partitions: number
}

export interface TailOptions {
  readonly topic: string
  /** As in `ConsumeOptions`. */
  readonly gatherMs?: number
  /** First offset to deliver, per partition. Its length is the partition count to follow. */
  readonly from: readonly bigint[]
  /** Synchronous on purpose: nothing may come between a fetch and the next one. `next` is the offset after the batch. */
  readonly onBatch: (partition: number, records: readonly BusRecord[], next: bigint) => void
  /** The reader cannot continue truthfully (offset out of range, topic recreated): start over from a snapshot. It has stopped. */
  readonly onLost: (reason: string) => void
}

export interface Tail {
  close(): Promise<void>
  /** Monotonic ms of the last successful fetch answer of the slowest partition; an empty answer counts here, and proves nothing (I9). */
  lastAnswerAt(): number
}

/** Groupless reading of every partition: what each gateway does with the feed. Faults: `topic.unknown`, `dependency.unavailable`. */
export interface FeedReader {
  describe(topic: string): Promise<TopicDescription>
  startOffsets(topic: string): Promise<bigint[]>
  endOffsets(topic: string): Promise<bigint[]>
  tail(options: TailOptions): Promise<Tail>
}

export interface TopicDifference {
  readonly topic: string
  readonly what: string
}

export interface TopicAdmin {
  /** Creates what is missing and raises partitions; never deletes, never lowers. Returns what it did, one sentence each. */
  apply(topics: readonly TopicSpec[]): Promise<string[]>
  /** What differs from the catalogue; empty when nothing does. */
  check(topics: readonly TopicSpec[]): Promise<TopicDifference[]>
}

/** The port. Two adapters keep it: Kafka and the in-process one; `bus.contract.ts` is what keeping it means. */
export abstract class MessageBus {
  abstract readonly publisher: Publisher
  abstract readonly feed: FeedReader
  abstract readonly topics: TopicAdmin
  abstract consume(options: ConsumeOptions): Promise<GroupConsumer>
  /** Rejects when the log cannot be reached. */
  abstract ping(): Promise<void>
  abstract close(): Promise<void>
}

/** What the in-process adapter needs of a durable log; persistence implements it on a table. */
export interface LogStore {
  ensureTopic(topic: string, partitions: number): Promise<TopicDescription>
  topic(topic: string): Promise<TopicDescription | undefined>
  /** Appends atomically, durable when it resolves, and returns the offsets given. */
  append(records: readonly (OutgoingRecord & { readonly partition: number })[]): Promise<{ offsets: bigint[]; timestamp: number }>
  read(topic: string, partition: number, from: bigint, limit: number): Promise<BusRecord[]>
  /** [first retained, next to be written] per partition. */
  bounds(topic: string): Promise<[bigint, bigint][]>
  committed(group: string, topic: string): Promise<Map<number, bigint>>
  commit(group: string, topic: string, partition: number, next: bigint): Promise<void>
  /** Deletes records that are older than so many ms. */
  expire(topic: string, olderThanMs: number): Promise<void>
}
