import { Fault, readInstant, type RequestedScope, type SignalData, type SignalKind } from '@curfew/contracts'
import { instant, toIso, type Instant } from '@curfew/kernel'

/** What one signal ends: a scope, the sessions it spares, and the reason code the revocation carries. */
export interface Ending {
  readonly scope: RequestedScope
  readonly except: readonly string[]
  readonly reason: string
}

/**
 * The built-in policy: what a signal of this kind ends, decided at `now`. Custom kinds end nothing by themselves. A signal that lacks the one
 * detail its kind is about is refused, so that nobody believes it took effect.
 */
export function applyPolicy(kind: SignalKind, data: SignalData, now: Instant, skewMs: number): readonly Ending[] {
  const ending = (scope: RequestedScope, except: readonly string[] = []): readonly Ending[] => [{ scope, except, reason: kind }]
  const subject = { kind: 'subject', ...data.subject } as const
  switch (kind) {
    // The leaver may return, so these end what is there now and not only what was there when it happened.
    case 'account_disabled': case 'account_deleted': case 'sso_deactivated': case 'offboarded': return ending(subject)
    case 'password_reset': case 'role_changed': case 'permission_changed': case 'risk_raised':
      return ending({ ...subject, issuedBefore: toIso(cutoffAt(data, now, skewMs)) })
    case 'mfa_changed': return ending({ ...subject, issuedBefore: toIso(cutoffAt(data, now, skewMs)) }, optional(data, 'currentSessionId'))
    case 'device_lost': case 'device_noncompliant': return ending({ kind: 'device', deviceId: required(kind, data, 'deviceId') })
    case 'agent_disabled': return ending({ kind: 'agent', agentId: required(kind, data, 'agentId') })
    case 'integration_disconnected': return ending({ kind: 'grant', grantId: required(kind, data, 'grantId') })
    case 'sign_out': {
      const [id] = optional(data, 'sessionId')
      return id === undefined ? ending({ ...subject, issuedBefore: toIso(cutoffAt(data, now, skewMs)) }) : ending({ kind: 'session', id })
    }
    default: return []
  }
}

/**
 * The sender's clock is not ours, so skew is added (I4), but never past now: who signs in after the decision is not locked out. Nor does it lie
 * before the epoch, where years have no spelling that every reader knows and nothing ever began.
 */
const cutoffAt = (data: SignalData, now: Instant, skewMs: number): Instant => instant(Math.max(0, Math.min(readInstant(data.occurredAt) + skewMs, now)))

const longestName = 256

function optional(data: SignalData, name: string): string[] {
  const value = data.details?.[name]
  return typeof value === 'string' && value.length > 0 && value.length <= longestName ? [value] : []
}

function required(kind: SignalKind, data: SignalData, name: string): string {
  const [value] = optional(data, name)
  if (value === undefined) throw new Fault('signal.incomplete', { detail: `${kind} needs details.${name}, a text of 1 to ${longestName} characters` })
  return value
}
