import { partitionOf, type FeedReader } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { Database, Tx } from '@curfew/persistence'
import type { ServiceLog } from '@curfew/service-kit'
import { liveSince } from '../expire/live-since.js'
import { quarantineEvent, revocationEvent } from '../feed-key/feed-events.adapter.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { feedShared, wholeHash } from '../store/feed-partition.js'
import { beginning, type FeedTopic, type FeedTopicStore, type LiveRecord, type RepublishCursor } from '../store/feed-topic.store.js'
import { topicChange } from './follow-topic.js'

/** Records of one commit while a recreated topic is filled again: a few requests to the broker. */
const republishPage = 500

/**
 * Keeps what the database knows of the feed's topic: its incarnation and the number of its partitions. A larger number is written while nobody
 * accepts, so no revocation goes to a partition that a watermark does not count. An incarnation that was never seen before is empty,
 * whatever was published to an earlier one: everything live is written into the outbox again, before any watermark is (PROTOCOL sections 4 and 5).
 */
export class FollowTopic {
  constructor(
    private readonly topic: string, private readonly database: Database, private readonly topics: FeedTopicStore, private readonly reader: FeedReader,
    private readonly signer: FeedSigner, private readonly log: Pick<ServiceLog, 'info' | 'warn'>,
  ) {}

  /**
   * Resolves with the topic as it is, once the outbox holds all that it lacks. Rejects while the log cannot be asked. To be called with `afterFailure`
   * when publishing failed: a revocation that waited while a smaller count was written may have chosen a partition by the larger one.
   */
  async settle(afterFailure = false): Promise<{ topicId: string; partitions: number }> {
    const seen = await this.reader.describe(this.topic)
    const known = await this.database.transactEverywhere((tx) => this.topics.read(tx))
    const change = topicChange(known, seen)
    const current = change.kind === 'none' ? known : await this.note(seen)
    await this.republish(seen.topicId, current.republishAfter)
    if (afterFailure) await this.database.transactEverywhere((tx) => this.topics.bringIntoRange(tx, current.partitions))
    return { topicId: seen.topicId, partitions: current.partitions }
  }

  private async note(seen: { topicId: string; partitions: number }): Promise<FeedTopic> {
    const settled = await this.database.transactEverywhere(async (tx) => {
      await this.topics.lock(tx)
      const known = await this.topics.read(tx)
      const change = topicChange(known, seen)
      if (change.kind === 'none') return { ...known, change }
      const republishAfter = change.kind === 'recreated' ? beginning : known.republishAfter
      await this.topics.write(tx, seen.topicId, seen.partitions, republishAfter)
      await this.topics.bringIntoRange(tx, seen.partitions)
      return { ...seen, republishAfter, change }
    })
    if (settled.change.kind === 'recreated') this.log.warn({ topicId: seen.topicId, partitions: seen.partitions }, 'the feed\'s topic is another one: everything live is published again')
    if (settled.change.kind === 'noted') this.log.info({ topicId: seen.topicId, partitions: seen.partitions }, 'the feed\'s topic is noted')
    return settled
  }

  private async republish(topicId: string, from: RepublishCursor | undefined): Promise<void> {
    let after = from
    while (after !== undefined) {
      const cursor = after
      after = await this.database.transactEverywhere((tx) => this.republishSome(tx, topicId, cursor))
    }
  }

  private async republishSome(tx: Tx, topicId: string, cursor: RepublishCursor): Promise<RepublishCursor | undefined> {
    const rows = await this.topics.live(tx, cursor, liveSince(tx.now), republishPage)
    await Promise.all(rows.map((row) => this.outbox(tx, row, cursor[0])))
    const last = rows.at(-1)
    const next = last === undefined ? afterTable(cursor[0]) : ([cursor[0], last.tenant, last.id] as const)
    if (!(await this.topics.moveRepublish(tx, topicId, next))) throw new Fault('dependency.unavailable', { detail: 'the feed\'s topic changed once more while it was filled' })
    return next
  }

  private async outbox(tx: Tx, { id, record }: LiveRecord, table: RepublishCursor[0]): Promise<void> {
    const event = table === 'revocations' ? revocationEvent(record, this.signer) : quarantineEvent(id, record, this.signer)
    await tx.queryWithOutbox({
      with: feedShared('$1'), record: event, partition: '(SELECT $2::integer % partitions FROM feed)', parameters: [this.topic, partitionOf(event.key ?? '', wholeHash)],
    })
  }
}

const afterTable = (table: RepublishCursor[0]): RepublishCursor | undefined => (table === 'revocations' ? ['quarantines', '', beginning[2]] : undefined)

/** Said by whoever needs the topic's incarnation before the log was ever seen. */
export const topicUnseen = (): Fault => new Fault('dependency.unavailable', { detail: 'the feed\'s topic has not been seen yet' })
