import { Fault, maxExceptions, readInstant, type AccessScope, type DecidedScope, type Initiator, type Reason, type RequestedScope, type RevocationRecord, type RevocationRequest } from '@curfew/contracts'
import { absoluteKinds } from '@curfew/denylist'
import { instant, toIso, type Instant, type TenantId } from '@curfew/kernel'

/** The limits a decision rests on. `maxSessionAgeMs` is the oldest began-at any gateway accepts, so nothing older can still match (I8). */
export interface RevokeLimits {
  readonly maxSessionAgeMs: number
  readonly leewayMs: number
  readonly skewMs: number
}

export interface RevokeCommand {
  readonly id: string
  readonly tenant: TenantId
  readonly request: RevocationRequest
  readonly initiator: Initiator
  readonly cause?: RevocationRecord['cause']
}

const unspecified: Reason = { code: 'unspecified' }

/**
 * Decides one revocation at the primary's instant `now`: the issuer is named, the cutoff fixed and the instant of forgetting set.
 * Refuses what makes no sense; it neither checks permission nor writes anything.
 */
export function revoke(command: RevokeCommand, defaultIssuer: string, now: Instant, limits: RevokeLimits): RevocationRecord {
  const { scope, except = [], reason = unspecified } = command.request
  const isAbsolute = absoluteKinds.has(scope.kind)
  if (isAbsolute && except.length > 0) throw new Fault('revocation.exceptions_on_absolute')
  const spared = [...new Set(except)].sort()
  if (spared.length > maxExceptions) throw new Fault('revocation.too_many_exceptions')
  const cutoff = isAbsolute ? null : cutoffOf(scope, now)
  const forgetAfter = instant((cutoff ?? now) + limits.maxSessionAgeMs + limits.leewayMs + limits.skewMs)
  return {
    id: command.id, tenant: command.tenant, scope: decidedScopeOf(scope, defaultIssuer), cutoff: cutoff === null ? null : toIso(cutoff), except: spared,
    decidedAt: toIso(now), forgetAfter: toIso(forgetAfter), reason, initiator: command.initiator,
    ...(command.cause === undefined ? {} : { cause: command.cause }),
    ...(namesEveryTenant(scope) ? { everyTenant: true } : {}),
  }
}

function cutoffOf(scope: RequestedScope, now: Instant): Instant {
  if (!('issuedBefore' in scope) || scope.issuedBefore === undefined) return now
  const asked = readInstant(scope.issuedBefore)
  if (asked > now) throw new Fault('cutoff.in_future', { detail: `issuedBefore ${toIso(asked)} is after ${toIso(now)}` })
  return asked
}

function decidedScopeOf(scope: RequestedScope, defaultIssuer: string): DecidedScope {
  switch (scope.kind) {
    case 'token': return { kind: 'token', jti: scope.jti, issuer: scope.issuer ?? defaultIssuer }
    case 'subject': return { kind: 'subject', issuer: scope.issuer ?? defaultIssuer, sub: scope.sub }
    case 'key': return { kind: 'key', kid: scope.kid, issuer: scope.issuer ?? defaultIssuer }
    case 'client': return { kind: 'client', clientId: scope.clientId }
    case 'device': return { kind: 'device', deviceId: scope.deviceId }
    case 'agent': return { kind: 'agent', agentId: scope.agentId }
    case 'grant': return { kind: 'grant', grantId: scope.grantId }
    case 'tenant': return { kind: 'tenant' }
    case 'session': return { kind: 'session', id: scope.id }
  }
}

const namesEveryTenant = (scope: RequestedScope): boolean => scope.kind === 'key' && scope.everyTenant === true

const wideKinds: ReadonlySet<RequestedScope['kind']> = new Set(['client', 'agent', 'tenant', 'key'])

/**
 * The one permission a request needs: wide kinds, an explicit `issuedBefore` and issuer `*` have their own (API.md), a key of every tenant is an
 * administrator's (PROTOCOL section 1). They are apart, not a ladder: who may end a whole tenant need not be one who may end anybody's session.
 */
export function permissionFor(scope: RequestedScope): AccessScope {
  if (namesEveryTenant(scope)) return 'admin'
  const isWide = wideKinds.has(scope.kind) || ('issuedBefore' in scope && scope.issuedBefore !== undefined) || (scope.kind === 'subject' && scope.issuer === '*')
  return isWide ? 'revocations:write:wide' : 'revocations:write'
}
