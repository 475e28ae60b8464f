import type { Gateway, GatewayLease, GatewayRegistration, PublicJwk } from '@curfew/contracts'
import { instant, toIso, type Instant } from '@curfew/kernel'

/** How long a registration holds, measured by the gateway from the instant it sent it. Four renewals fit, so that a lost one costs nothing. */
export const leaseMs = 15_000

/**
 * The control plane lapses a lease this much later than the gateway that holds it: it starts counting later already (when the request
 * arrives), and this covers two clocks that drift apart by a thousandth, ten times over (PROTOCOL section 8).
 */
export const lapseMarginMs = leaseMs / 100

export const leaseUntil = (now: Instant): Instant => instant(now + leaseMs + lapseMarginMs)

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
  ({ id, registeredAt: toIso(registeredAt), primaryClock: toIso(primary), leaseMs, budgetMs, feed: { ...feed, keys: [...feed.keys] } })

/** The member as the fleet lists it. One whose registration is not finished is not live: it has no lease in its hands yet. */
export function presentGateway(member: FleetMember, now: Instant): Gateway {
  const { registration: { version, posture, budgetMs }, registeredAt } = member
  return {
    id: member.id, version, posture, budgetMs, registeredAt: toIso(registeredAt ?? member.renewedAt), renewedAt: toIso(member.renewedAt),
    leaseUntil: toIso(member.leaseUntil), live: registeredAt !== undefined && now < member.leaseUntil,
  }
}
