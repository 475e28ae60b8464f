import type { OutgoingRecord, Position, Publisher } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { DatabaseLog, RelayCounts } from './database.js'
import { deferred } from './deferred.js'
import { Marks } from './marks.adapter.js'
import type { OutboxRow } from './outbox-statement.js'
import type { OutboxStore, Refused } from './outbox.store.js'
import { bytesOf, publishIsolating, type PublishOutcome } from './publish-isolating.js'
import { Lane, type Waiting } from './relay-lane.js'
import type { WrittenRow } from './transaction.adapter.js'

/** Rows kept in memory between commit and acknowledgement. Beyond that they are left to the sweeper, which reads them from the table: `left` counts them. */
const mostWaiting = 10_000
const mostWaitingBytes = 64 * 1_048_576
/** An acknowledgement that takes longer counts as none; the row goes again later. Longer than a leader election, shorter than a staleness budget. */
const acknowledgedWithinMs = 15_000

/**
 * Publishes what transactions of this process wrote, as soon as they are committed and from memory. It promises nothing by itself: whatever
 * it does not get done, for whatever reason, is in the table and is the sweeper's.
 */
export class Relay {
  private readonly lanes = new Map<string, Lane>()
  /** Rows in memory, until they are acknowledged or left. */
  private readonly waiting = new Map<string, Waiting>()
  /** Tickets of rows that were left: the sweeper of this process may still be the one that publishes them. */
  private readonly left = new Map<string, (position: Position) => void>()
  private readonly topicIds = new Map<string, string>()
  private readonly marks: Marks
  private bytes = 0
  private counts = { published: 0, refused: 0, left: 0 }
  private isClosing = false

  constructor(private readonly publisher: Publisher, private readonly store: OutboxStore, private readonly log: DatabaseLog) {
    this.marks = new Marks(store, log)
  }

  /** Takes over the rows of a transaction that has committed. */
  handOver(rows: readonly WrittenRow[]): void {
    for (const row of rows) this.take(row)
    for (const topic of new Set(rows.map(({ record }) => record.topic))) this.pump(this.lane(topic))
  }

  /** See `Database.publishPending`. */
  async publishPending(topic?: string): Promise<number> {
    const topics = topic === undefined ? await this.store.topicsPending() : [topic]
    const counts = await Promise.all(topics.map((name) => this.publishPendingOf(name)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Publishes rows of one topic. For the sweeper, which records the outcome itself, in the transaction that holds the rows. */
  publish(topic: string, rows: readonly OutboxRow[]): Promise<PublishOutcome> {
    return this.publishOf(this.lane(topic), rows)
  }

  /** Topics that this process has written to. */
  topics(): string[] {
    return [...this.lanes.keys()]
  }

  /** Rows that the sweeper may leave alone: they are on their way from here. */
  underway(): string[] {
    return [...this.waiting.keys(), ...this.marks.ids()]
  }

  count(): RelayCounts {
    return { ...this.counts, waiting: this.waiting.size, down: [...this.lanes.values()].filter(({ isDown }) => isDown).map(({ topic }) => topic) }
  }

  /** Waits until what is in memory is published and marked, or the time is up. */
  async close(withinMs: number): Promise<void> {
    this.isClosing = true
    let timer: NodeJS.Timeout | undefined
    const timeIsUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)))
    const drained = (async () => {
      await Promise.all([...this.waiting.values()].map(({ settled }) => settled))
      await this.marks.flush()
    })()
    await Promise.race([drained, timeIsUp])
    clearTimeout(timer)
  }

  /** Pages follow the order of ids; each is read in a statement later than the call, so together they miss nothing. */
  private async publishPendingOf(topic: string): Promise<number> {
    let published = 0
    let failure: unknown
    for (let after = lowestId; ;) {
      const page = await this.store.unpublished(topic, after)
      if (page.length === 0) break
      after = (page.at(-1) as OutboxRow).id
      const { acknowledged, refused, down } = await this.publish(topic, await this.notPublishedHere(page))
      published += acknowledged.length
      await this.store.refuse(refused)
      failure ??= down?.cause ?? refused[0]?.error
      if (down) break
    }
    if (failure !== undefined) throw new Fault('dependency.unavailable', { detail: `not every outbox row of ${topic} could be published` }, { cause: failure })
    return published
  }

  private lane(topic: string): Lane {
    const known = this.lanes.get(topic)
    if (known) return known
    const lane = new Lane(topic)
    this.lanes.set(topic, lane)
    return lane
  }

  private take({ id, record, published }: WrittenRow): void {
    const lane = this.lane(record.topic)
    if (this.isClosing || lane.isDown || this.waiting.size >= mostWaiting || this.bytes >= mostWaitingBytes) return this.leave(id, published)
    const { promise, resolve } = deferred<boolean>()
    const bytes = bytesOf(record)
    this.bytes += bytes
    const entry: Waiting = { id, record, bytes, published, settled: promise, settle: resolve }
    this.waiting.set(id, entry)
    lane.add(entry)
  }

  private leave(id: string, published: (position: Position) => void): void {
    this.counts.left++
    // The oldest ticket gives way: whoever holds it has stopped waiting by now, or reads the table.
    if (this.left.size >= mostWaiting) this.left.delete(this.left.keys().next().value as string)
    this.left.set(id, published)
  }

  private pump(lane: Lane): void {
    for (let batch = lane.next(); batch.length > 0; batch = lane.next()) void this.send(lane, batch)
  }

  private async send(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    const { refused } = await this.publishOf(lane, batch)
    for (const entry of batch) if (this.waiting.has(entry.id)) this.giveUp(entry)
    lane.done(batch)
    if (lane.isDown) lane.drop().forEach((entry) => this.giveUp(entry))
    if (refused.length > 0) await this.store.refuse(refused).catch((error: unknown) => this.log.warn({ error }, 'a refused outbox row could not be noted'))
    this.pump(lane)
  }

  private giveUp(entry: Waiting): void {
    this.forget(entry)
    this.leave(entry.id, entry.published)
    entry.settle(false)
  }

  private forget({ id, bytes }: Waiting): void {
    this.waiting.delete(id)
    this.bytes -= bytes
  }

  private async publishOf(lane: Lane, rows: readonly OutboxRow[]): Promise<PublishOutcome> {
    const outcome = await publishIsolating(rows, (records) => this.acknowledgedInTime(records))
    for (const { id, position } of outcome.acknowledged) this.acknowledged(id, position)
    if (outcome.acknowledged.length > 0) this.cameBack(lane)
    if (outcome.down) this.wentDown(lane, outcome.down.cause)
    else this.reportRefused(lane, outcome.refused)
    return outcome
  }

  private acknowledged(id: string, position: Position): void {
    this.counts.published++
    this.marks.add({ id, position })
    const entry = this.waiting.get(id)
    if (entry) this.forget(entry)
    const published = entry?.published ?? this.left.get(id)
    this.left.delete(id)
    published?.(position)
    entry?.settle(true)
    this.checkIncarnation(position)
  }

  private wentDown(lane: Lane, cause: unknown): void {
    if (!lane.isDown) this.log.error({ topic: lane.topic, error: cause }, 'the topic takes no records; they stay in the outbox until it does')
    lane.isDown = true
  }

  private cameBack(lane: Lane): void {
    if (!lane.isDown) return
    lane.isDown = false
    this.log.info({ topic: lane.topic }, 'the topic takes records again')
    this.store.retryNow(lane.topic).catch((error: unknown) => this.log.warn({ error }, 'outbox rows that were put off stay so for a while'))
  }

  private reportRefused(lane: Lane, refused: readonly Refused[]): void {
    this.counts.refused += refused.length
    for (const { id, error } of refused) this.log.error({ topic: lane.topic, id, error }, 'an outbox row cannot be published; it is kept, and the others go on without it')
  }

  private checkIncarnation({ topic, topicId }: Position): void {
    if (this.topicIds.get(topic) === topicId) return
    this.topicIds.set(topic, topicId)
    this.store.sawTopic(topic, topicId).then((reopened) => {
      if (reopened > 0) this.log.warn({ topic, rows: reopened }, 'the topic was recreated: rows published to the old one are published again')
    }, (error: unknown) => {
      this.topicIds.delete(topic)
      this.log.warn({ topic, error }, 'could not compare the topic with the one published to before')
    })
  }

  private async acknowledgedInTime(records: OutgoingRecord[]): Promise<Position[]> {
    const { promise, reject } = deferred<never>()
    const timer = setTimeout(() => reject(new Fault('dependency.unavailable', { detail: 'no acknowledgement in time' })), acknowledgedWithinMs)
    // What nobody waits for any more keeps no process alive.
    timer.unref()
    try {
      const positions = await Promise.race([this.publisher.publish(records), promise])
      if (positions.length !== records.length) throw new Error(`${records.length} records were published, ${positions.length} acknowledged`)
      return positions
    } finally {
      clearTimeout(timer)
    }
  }

  /** What this process has published already, marked or not, needs no second time; what is on its way is waited for. */
  private async notPublishedHere(page: readonly OutboxRow[]): Promise<OutboxRow[]> {
    const here = await Promise.all(page.map(({ id }) => this.marks.has(id) || (this.waiting.get(id)?.settled ?? false)))
    return page.filter((_, at) => !here[at])
  }
}

const lowestId = '00000000-0000-0000-0000-000000000000'
