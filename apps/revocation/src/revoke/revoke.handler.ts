import { Fault, type RevocationRequest } from '@curfew/contracts'
import { assert, instant, type Clock, type Instant } from '@curfew/kernel'
import { Database, type OutboxTicket, type Tx } from '@curfew/persistence'
import { revocationEvent } from '../feed-key/feed-events.adapter.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import type { KeptRevocation, RevocationsStore } from '../store/revocations.store.js'
import type { AcceptedRevocation } from './accepted-revocation.js'
import { fingerprintOf } from './fingerprint.js'
import { revoke, type RevokeCommand, type RevokeLimits } from './revoke.js'

export interface RevokeRules {
  readonly defaultIssuer: string
  readonly limits: RevokeLimits
}

/** An idempotency key of a caller, for the request that came with it. */
export interface IdempotencyKey {
  readonly client: string
  readonly key: string
  readonly request: RevocationRequest
}

/** A committed revocation, and how to learn that it was published. */
export interface Accepted {
  readonly revocation: AcceptedRevocation
  /** The primary's instant at which the log had acknowledged it. Never rejects and may stay pending. Absent for a repeat: see `Wait`. */
  readonly published?: Promise<Instant>
}

/** The name of the route within idempotency keys. */
const route = 'POST /v1/revocations'

/** Accepts revocations: one decision, and one commit that holds the revocation and its outbox row (I2). */
export class RevokeHandler {
  constructor(
    private readonly database: Database, private readonly revocations: RevocationsStore, private readonly signer: FeedSigner,
    private readonly rules: RevokeRules, private readonly clock: Clock,
  ) {}

  /** A repeat, by the command's id or by the idempotency key, is answered with what was decided first. Fault `revocation.mismatch` when the id came with other content. */
  async handle(command: RevokeCommand, traceparent?: string, idempotency?: IdempotencyKey): Promise<Accepted> {
    const fingerprint = fingerprintOf([command.request, command.initiator, command.cause ?? null])
    const done = await this.database.transact(command.tenant, async (tx) => {
      const first = idempotency === undefined ? undefined : await this.reserved(tx, command, idempotency)
      if (first !== undefined) return { first }
      return this.decide(tx, command, fingerprint, traceparent)
    })
    if ('first' in done) return { revocation: done.first }
    if (done.ticket === undefined) return { revocation: await this.earlier(command, fingerprint) }
    return { revocation: { record: done.record }, published: this.publishedAt(done.ticket, done) }
  }

  private async decide(tx: Tx, command: RevokeCommand, fingerprint: string, traceparent: string | undefined) {
    const readAt = this.clock.monotonicMs()
    const record = revoke(command, this.rules.defaultIssuer, tx.now, this.rules.limits)
    const event = revocationEvent(record, this.signer, traceparent)
    const ticket = await tx.lastly(() => this.revocations.insert(tx, record, event, fingerprint))
    return { record, ticket, decidedAt: tx.now, readAt }
  }

  /** What the first request with this key became; undefined when this is the first. */
  private async reserved(tx: Tx, { id, tenant }: RevokeCommand, { client, key, request }: IdempotencyKey): Promise<KeptRevocation | undefined> {
    const reservation = await tx.reserve({ client, route, key, requestHash: fingerprintOf(request), id })
    if (!reservation.repeated) return undefined
    const first = await this.revocations.find(tx, tenant, reservation.id)
    assert(first, 'a reserved revocation is committed with its key')
    return first
  }

  private async earlier({ tenant, id }: RevokeCommand, fingerprint: string): Promise<KeptRevocation> {
    const first = await this.database.transact(tenant, (tx) => this.revocations.vouchFor(tx, tenant, id))
    assert(first, 'a revocation that was in the way is there')
    if (first.fingerprint !== fingerprint) throw new Fault('revocation.mismatch', { detail: `revocation ${id} was asked for before, with other content` })
    return first
  }

  /** The primary's clock when the acknowledgement was here: what it showed at the decision, and the time since then by ours. */
  private async publishedAt(ticket: OutboxTicket, { decidedAt, readAt }: { decidedAt: Instant; readAt: number }): Promise<Instant> {
    await ticket.published
    return instant(decidedAt + (this.clock.monotonicMs() - readAt))
  }
}
