import { Fault, readInstant, type SessionRequest } from '@curfew/contracts'
import { instant, type Instant, type TenantId } from '@curfew/kernel'
import { maxParents } from '@curfew/tokens'
import { canonicalAddress } from '../inventory/ip-address.js'
import { isActive, type InventoriedSession, type ParentHop } from '../inventory/inventoried-session.js'
import { hopsBelow } from '../inventory/session-claims.js'

export interface IssueLimits {
  /** The issuer of Curfew's own tokens, and of a subject for whom the request names none. */
  readonly issuer: string
  readonly maxSessionAgeMs: number
  /** How far a login system's clock may run ahead of the primary's. */
  readonly skewMs: number
}

export interface IssueCommand {
  readonly id: string
  readonly tenant: TenantId
  readonly request: SessionRequest
  /** The session named by `parentSessionId`, where the tenant has it. */
  readonly parent?: InventoriedSession
}

/**
 * Begins one session at the primary's instant `now`. It inherits the earliest authentication it rests on (I3) and every hop (I6).
 * Whether any of that was revoked is not asked here.
 */
export function issueSession(command: IssueCommand, now: Instant, limits: IssueLimits): InventoriedSession {
  const { id, tenant, request, parent } = command
  const subject = subjectOf(request, limits.issuer)
  const authenticatedAt = authenticationOf(request, now, limits.skewMs)
  if (request.parentSessionId !== undefined && (parent === undefined || !isActive(parent, now))) throw new Fault('parent.unknown')
  const beganAt = instant(Math.min(authenticatedAt, parent?.beganAt ?? authenticatedAt))
  const expiresAt = instant(beganAt + limits.maxSessionAgeMs)
  if (expiresAt <= now) throw new Fault('session.too_old', { detail: `a session lasts ${limits.maxSessionAgeMs} ms from its authentication` })
  return {
    id, tenant, kind: request.kind ?? (request.agentId === undefined ? 'person' : 'agent'), subject, clientId: request.clientId,
    device: request.device ?? null, userAgent: request.userAgent ?? null, ipAddress: request.ipAddress === undefined ? null : canonicalAddress(request.ipAddress),
    authMethods: [...new Set(request.authMethods)], agentId: request.agentId ?? null, grantId: request.grantId ?? null,
    parentSessionId: parent?.id ?? null, hops: hopsOf(parent), beganAt, authenticatedAt, lastActiveAt: now, expiresAt, ended: null,
  }
}

function subjectOf({ subject }: SessionRequest, defaultIssuer: string): InventoriedSession['subject'] {
  const { issuer = defaultIssuer, sub } = subject
  // In a revocation it means every issuer; nobody is authenticated by all of them.
  if (issuer === '*') throw new Fault('request.invalid', { errors: [{ pointer: '/subject/issuer', message: 'must name one issuer' }] })
  return { issuer, sub }
}

function authenticationOf({ authenticatedAt }: SessionRequest, now: Instant, skewMs: number): Instant {
  if (authenticatedAt === undefined) return now
  const said = readInstant(authenticatedAt)
  if (said > now + skewMs) throw new Fault('session.authenticated_in_future', { detail: `authenticatedAt ${authenticatedAt} is ahead of our clock` })
  // A sender's clock that is a little fast must not carry a session past a cutoff decided right now.
  return instant(Math.min(said, now))
}

function hopsOf(parent: InventoriedSession | undefined): ParentHop[] {
  const hops = parent === undefined ? [] : hopsBelow(parent)
  if (hops.length > maxParents) throw new Fault('parent.too_deep')
  return hops
}
