import type { Gateway, GatewayLease, GatewayRegistration, PublicJwk } from '@curfew/contracts'
import { instant, toIso, type Instant } from '@curfew/kernel'

/** A renewal every ten seconds, and one or two that are lost. */
const renewalAllowanceMs = 30_000

/**
 * How long a registration holds, measured by the gateway from the instant it sent it. It outlasts the staleness budget: a gateway serves only under
 * its lease, and while PostgreSQL is away it must be the budget that ends its service and not the lease (DESIGN section 8).
 */
export const leaseMsFor = (budgetMs: number): number => budgetMs + renewalAllowanceMs

/**
 * The control plane lapses a lease this much later than the gateway that holds it: it starts counting later already (when the request
 * arrives), and this covers two clocks that drift apart by a thousandth, ten times over (PROTOCOL section 8).
 */
const lapseMargin = 1.01

export const leaseUntil = (now: Instant, budgetMs: number): Instant => instant(now + leaseMsFor(budgetMs) * lapseMargin)

/** A member of the fleet as it is kept. `registeredAt` is absent between the commit of a registration and the reading of the clock after it. */
export interface FleetMember {
  readonly id: string
  readonly clientId: string
  readonly registration: GatewayRegistration
  readonly registeredAt?: Instant
  readonly renewedAt: Instant
  readonly leaseUntil: Instant
}

/** What a reader of the feed has to know of it. */
export interface FeedDescription {
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
  readonly keys: readonly PublicJwk[]
}

export interface Registered {
  readonly id: string
  readonly registeredAt: Instant
  readonly budgetMs: number
}

export const leaseAnswer = ({ id, registeredAt, budgetMs }: Registered, feed: FeedDescription, primary: Instant): GatewayLease =>
  ({ id, registeredAt: toIso(registeredAt), primaryClock: toIso(primary), leaseMs: leaseMsFor(budgetMs), budgetMs, feed: { ...feed, keys: [...feed.keys] } })

/** The member as the fleet lists it. One whose registration is not finished is not live: it has no lease in its hands yet. */
export function presentGateway(member: FleetMember, now: Instant): Gateway {
  const { registration: { version, posture, budgetMs }, registeredAt } = member
  return {
    id: member.id, version, posture, budgetMs, registeredAt: toIso(registeredAt ?? member.renewedAt), renewedAt: toIso(member.renewedAt),
    leaseUntil: toIso(member.leaseUntil), live: registeredAt !== undefined && now < member.leaseUntil,
  }
}
