import type { Publisher } from '@curfew/bus'
import { Fault } from '@curfew/contracts'
import type { Instant } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { watermarkEvents } from '../feed-key/feed-events.adapter.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import type { FollowTopic } from '../follow-topic/follow-topic.handler.js'
import type { FeedLoopStore } from '../store/feed-loop.store.js'

/**
 * One turn of the watermark loop (PROTOCOL section 5), against the primary:
 *
 *   1. T := clock_timestamp() is written into a row, and committed.
 *   2. A later statement selects every outbox row that is unpublished.        } `publishPending`
 *   3. Those rows are published, and all their acknowledgements are awaited.  }
 *   4. watermark(T, N) is appended to each of the N partitions, acks=all, signed.
 *
 * Theorem W. When watermark T sits at offset o of partition p, every revocation accepted before T that belongs to p has a record below o.
 *
 * Let r be accepted before T, that is, its commit was answered to somebody before T was read. The statement of step 2 takes its snapshot after
 * T was committed, hence after r was: it sees r's outbox row, whatever the order of ids and decisions, and however many transactions are open. Either that row
 * was unpublished then: step 3 awaited its acknowledgement. Or it was marked published, which is written only after its
 * acknowledgement. Both lie before step 4, and a partition's offsets grow with time, so r's record is below o.
 * A transaction that is open across T commits after it, so it is not accepted before T, and W says nothing about it.
 *
 * N: r chose its partition from a count that was committed before r was. N is read after T, and counts never shrink within one incarnation of the
 * topic, so r's partition is one of the N. A watermark that names fewer would let a reader take its minimum over too few.
 * Another incarnation: `settle` notices it and writes everything live into the outbox again, between steps 1 and 2.
 *
 * Nothing here relies on being alone. Two turns at once publish the same rows twice, which merging makes harmless, and each one's W holds by itself;
 * a slow turn ends in an older truth. Taking turns is for economy. A failure anywhere ends the turn without a watermark.
 *
 * What would break it: reading T in the statement of step 2 or after it; one REPEATABLE READ transaction around the steps; a replica.
 */
export class PublishWatermark {
  constructor(
    private readonly topic: string, private readonly database: Database, private readonly loop: FeedLoopStore, private readonly topics: FollowTopic,
    private readonly publisher: Publisher, private readonly signer: FeedSigner, private readonly self: { readonly id: string; readonly holdMs: number },
  ) {}

  /** The watermark published, or undefined while it is another instance's turn. */
  async turn(afterFailure: boolean): Promise<Instant | undefined> {
    const at = await this.database.transactEverywhere((tx) => this.loop.take(tx, 'watermarks', this.self.id, this.self.holdMs))
    if (at === undefined) return undefined
    const { topicId, partitions } = await this.topics.settle(afterFailure)
    await this.database.publishPending(this.topic)
    const positions = await this.publisher.publish(watermarkEvents(at, partitions, this.signer))
    // It went into an incarnation whose readers begin with a snapshot taken after everything before it; the next turn fills that one.
    if (positions.some((position) => position.topicId !== topicId)) throw new Fault('dependency.unavailable', { detail: 'the feed\'s topic was recreated during a turn' })
    return at
  }

  async release(): Promise<void> {
    await this.database.transactEverywhere((tx) => this.loop.release(tx, this.self.id))
  }
}
