import type { ReceivedEvent } from '@curfew/bus'
import { events, Fault, type EventSpec } from '@curfew/contracts'
import { canonicalJson, instant, type Instant } from '@curfew/kernel'
import { createHash } from 'node:crypto'
import { v5 } from 'uuid'
import type { Account, AuditRecord } from './audit-record.js'
import { keptData, redaction } from './redact.js'
import { quarantineChanged, quarantineRequested, revocationDecided, revocationRequested } from './revocation-accounts.js'
import { activitySeen, gatewayObeyed, sessionBegan, sessionOver, subjectBecame } from './session-accounts.js'
import { signalReceived } from './signal-account.js'
import { wordsOf } from './words.js'

/** What the trail needs to know beside the event. `hashOf` is the keyed hash of a session id in a tenant. */
export interface Recording {
  readonly recordedAt: Instant
  readonly defaultIssuer: string
  readonly hashOf: (tenant: string, sessionId: string) => string
}

/** Watermarks are counted and not kept: several a second on every partition say nothing that a person would look for, and belong to no tenant. */
export const isKept = ({ spec }: Pick<ReceivedEvent, 'spec'>): boolean => (spec as EventSpec<unknown>) !== events.watermarkAdvanced

/** Turns an event that is kept into the row that says who did what to whom, when and why. */
export function recordEvent(event: ReceivedEvent, { recordedAt, defaultIssuer, hashOf }: Recording): AuditRecord {
  const hash = (sessionId: string): string => hashOf(event.tenant, sessionId)
  checkTenant(event)
  return rowOf(event, accountOf(event, defaultIssuer, hash), recordedAt, hash)
}

/** The one place that knows every kind of event. */
function accountOf(event: ReceivedEvent, defaultIssuer: string, hash: (sessionId: string) => string): Account {
  const { data, type, source } = event
  // Commands and reports carry no instant in their data: the sender's attribute, else the log's append time.
  const at = event.time ?? instant(event.record.timestamp)
  const is = <T>(spec: EventSpec<T>, _data: unknown): _data is T => (event.spec as EventSpec<unknown>) === spec
  if (is(events.signal, data)) return signalReceived(type, source, data, defaultIssuer)
  if (is(events.revocationRequested, data)) return revocationRequested(data, at, defaultIssuer, hash)
  if (is(events.revocationDecided, data)) return revocationDecided(data, hash)
  if (is(events.quarantineRequested, data)) return quarantineRequested(data, at)
  if (is(events.quarantineChanged, data)) return quarantineChanged(data, at)
  if (is(events.sessionStarted, data)) return sessionBegan(data)
  if (is(events.sessionEnded, data)) return sessionOver(data)
  if (is(events.subjectChanged, data)) return subjectBecame(data)
  if (is(events.activityObserved, data)) return activitySeen(data, hash)
  if (is(events.enforcementApplied, data)) return gatewayObeyed(data, at)
  throw new Fault('event.type_unknown', { detail: `the audit trail has no account of ${type}` })
}

/** An event that names one tenant outside and another inside would show up in the wrong trail. */
function checkTenant({ tenant, data }: ReceivedEvent): void {
  const named = data !== null && typeof data === 'object' && 'tenant' in data ? data.tenant : tenant
  if (named !== tenant) throw new Fault('event.invalid', { detail: 'the event and its data name different tenants' })
}

/** As long as any identifier of the contract. */
const longestName = 256

const rowNamespace = '3c0f6f0a-2a8e-4b1d-9d55-5a4f6f1c7e90'

function rowOf(event: ReceivedEvent, account: Account, recordedAt: Instant, hash: (sessionId: string) => string): AuditRecord {
  const { tenant, type, id, source, data, record } = event
  const redact = redaction(account.plainSessionIds ?? [], hash)
  const kept = (text: string | undefined, longest?: number): string | null => (text === undefined ? null : redact(text, longest))
  const reason = kept(account.reason)
  const searched = [account.actor?.id, account.subject?.sub, reason, ...(account.searchable ?? []), account.subject?.issuer]
  return {
    id: v5(JSON.stringify([tenant, record.topic, source, id]), rowNamespace), tenant, kind: type,
    recordedAt, time: instant(Math.max(0, Math.min(account.time, recordedAt))), outcome: account.outcome ?? 'success',
    actor: account.actor ?? null, subject: account.subject ?? null, reason,
    // Bounded, because they are indexed: an event may carry any text for them.
    sessionHash: kept(account.sessionHash, longestName), revocationId: kept(account.revocationId, longestName),
    source: { topic: record.topic, partition: record.partition, offset: record.offset, eventId: redact(id), eventSource: redact(source) },
    data: keptData(account.data, redact), contentHash: createHash('sha256').update(canonicalJson([type, data])).digest('base64url'),
    words: wordsOf(searched.filter((text) => typeof text === 'string').map((text) => redact(text))),
  }
}
