import type { Initiator, Session } from '@curfew/contracts'
import { toIso, type Instant, type TenantId } from '@curfew/kernel'
import type { AccessTokenClaims } from '@curfew/tokens'

/** One link of the chain a session rests on, in the form tokens carry it (I6). */
export type ParentHop = NonNullable<AccessTokenClaims['hops']>[number]

export interface SessionEnd {
  readonly at: Instant
  readonly reason: string
  readonly by: Initiator
  readonly revocationId: string
}

/** A session as the inventory keeps it. `beganAt` is the earliest authentication it rests on (I3), `authenticatedAt` its own. */
export interface InventoriedSession {
  readonly id: string
  readonly tenant: TenantId
  readonly kind: Session['kind']
  readonly subject: { readonly issuer: string; readonly sub: string }
  readonly clientId: string
  readonly device: { readonly id: string; readonly name?: string } | null
  readonly userAgent: string | null
  readonly ipAddress: string | null
  readonly authMethods: readonly string[]
  readonly agentId: string | null
  readonly grantId: string | null
  readonly parentSessionId: string | null
  /** Every hop beyond the session's own, the nearest first. */
  readonly hops: readonly ParentHop[]
  readonly beganAt: Instant
  readonly authenticatedAt: Instant
  readonly lastActiveAt: Instant
  readonly expiresAt: Instant
  readonly ended: SessionEnd | null
}

export const isActive = (session: InventoriedSession, now: Instant): boolean => session.ended === null && now < session.expiresAt

/** The session as the API answers it. One that ran out is as ended as one that was revoked, with nobody to name. */
export function presentSession(session: InventoriedSession, now: Instant): Session {
  const { id, tenant, kind, subject, clientId, device, userAgent, ipAddress, agentId, grantId, parentSessionId } = session
  return {
    id, tenant, kind, subject: { ...subject }, clientId, device: device && { ...device }, userAgent, ipAddress, authMethods: [...session.authMethods],
    agentId, grantId, parentSessionId, beganAt: toIso(session.beganAt), lastActiveAt: toIso(session.lastActiveAt), expiresAt: toIso(session.expiresAt),
    ...(isActive(session, now) ? { status: 'active' as const } : { status: 'ended' as const, ...endOf(session) }),
  }
}

function endOf({ ended, expiresAt }: InventoriedSession): Pick<Session, 'endedAt' | 'reason' | 'endedBy' | 'revocationId'> {
  if (ended === null) return { endedAt: toIso(expiresAt), reason: 'expired' }
  return { endedAt: toIso(ended.at), reason: ended.reason, endedBy: ended.by, revocationId: ended.revocationId }
}
