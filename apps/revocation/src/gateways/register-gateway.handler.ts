import { Fault, type GatewayLease, type GatewayRegistration } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { topicUnseen } from '../follow-topic/follow-topic.handler.js'
import type { FeedTopicStore } from '../store/feed-topic.store.js'
import type { GatewaysStore } from '../store/gateways.store.js'
import { leaseAnswer, type FeedDescription } from './lease.js'

/** Registers gateways and renews their leases. A gateway that may be serving is in the table, and its lease there ends later than its own count of it (PROTOCOL section 8). */
export class RegisterGateway {
  constructor(
    private readonly database: Database, private readonly gateways: GatewaysStore,
    private readonly topics: FeedTopicStore, private readonly signer: FeedSigner,
  ) {}

  /**
   * Fault `gateway.unknown` when another client registered this id first: whose it is, is nobody else's affair. Any instant read after the request
   * was sent bounds the primary's clock for the gateway, so a renewal answers its transaction's.
   */
  async register(tenant: TenantId, id: string, clientId: string, registration: GatewayRegistration): Promise<{ lease: GatewayLease; isNew: boolean }> {
    const { renewal, feed, primary } = await this.database.transact(tenant, async (tx) => ({
      feed: describe(this.topics.topic, await this.topics.read(tx), this.signer),
      renewal: await this.gateways.renew(tx, tenant, id, clientId, registration), primary: tx.now,
    }))
    if (renewal === undefined) throw new Fault('gateway.unknown', { detail: 'another client registered a gateway of this name' })
    const { budgetMs } = registration
    if (renewal.registeredAt !== undefined) return { lease: leaseAnswer({ id, registeredAt: renewal.registeredAt, budgetMs }, feed, primary), isNew: false }
    // A transaction of its own, so that the clock is read after the registration was committed (I10).
    const registeredAt = await this.database.transact(tenant, (tx) => this.gateways.confirm(tx, tenant, id))
    if (registeredAt === undefined) throw new Fault('gateway.unknown', { detail: 'the gateway left while it was registered' })
    return { lease: leaseAnswer({ id, registeredAt, budgetMs }, feed, await this.database.primaryNow()), isNew: true }
  }
}

/** What a reader has to know of the feed. Fault `dependency.unavailable` before the log was ever seen: its incarnation cannot be named then. */
export function describe(topic: string, { topicId, partitions }: { topicId: string | undefined; partitions: number }, signer: FeedSigner): FeedDescription {
  if (topicId === undefined) throw topicUnseen()
  return { topic, topicId, partitions, keys: signer.publicKeys }
}
