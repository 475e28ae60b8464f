import { encodeEvent, eventKey, type OutgoingRecord } from '@curfew/bus'
import { events, type Caller } from '@curfew/contracts'
import { toIso, type Instant, type TenantId } from '@curfew/kernel'
import { currentTraceparent, DerivedSecrets } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import type { InventoriedSession, SessionEnd } from '../inventory/inventoried-session.js'

const source = 'urn:curfew:session'

/** What is told of sessions on `curfew.sessions.v1`: keyed hashes stand for session ids (I12). A repeat has the id of the first. */
@Injectable()
export class SessionEvents {
  constructor(private readonly secrets: DerivedSecrets) {}

  started(session: InventoriedSession, initiator: Caller['initiator'], now: Instant): OutgoingRecord {
    const { tenant, subject, id, parentSessionId, clientId, kind, device, agentId, grantId } = session
    const sessionHash = this.secrets.sessionHash(tenant, id)
    const parentHash = parentSessionId === null ? null : this.secrets.sessionHash(tenant, parentSessionId)
    return encodeEvent(events.sessionStarted, keyOf(tenant, subject), { id: `started-${sessionHash}`, ...said(tenant, now) }, {
      tenant, sessionHash, parentHash, subject, clientId, kind, deviceId: device?.id ?? null, agentId, grantId, beganAt: toIso(session.beganAt),
      expiresAt: toIso(session.expiresAt), initiator,
    })
  }

  ended(tenant: TenantId, { id, issuer, sub }: { id: string; issuer: string; sub: string }, { at, reason, revocationId }: SessionEnd, now: Instant): OutgoingRecord {
    const sessionHash = this.secrets.sessionHash(tenant, id)
    const subject = { issuer, sub }
    return encodeEvent(events.sessionEnded, keyOf(tenant, subject), { id: `ended-${sessionHash}`, ...said(tenant, now) },
      { tenant, sessionHash, subject, endedAt: toIso(at), reason, revocationId })
  }
}

const keyOf = (tenant: TenantId, { issuer, sub }: InventoriedSession['subject']): string => eventKey(tenant, issuer, sub)
const said = (tenant: TenantId, time: Instant) => ({ source, tenant, time, traceparent: currentTraceparent() })
