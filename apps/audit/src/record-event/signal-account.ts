import { readInstant, signalKindOf, type SignalData } from '@curfew/contracts'
import type { Account } from './audit-record.js'

/** An upstream said that something happened to a subject. The actor is the source that said so; whom it names as the doer stays its own claim, in the data. */
export function signalReceived(type: string, source: string, data: SignalData, defaultIssuer: string): Account {
  return {
    time: readInstant(data.occurredAt), actor: { kind: 'signal', id: source }, reason: signalKindOf(type),
    subject: { issuer: data.subject.issuer ?? defaultIssuer, sub: data.subject.sub },
    plainSessionIds: sessionIdsIn(data.details), searchable: [data.initiator, ...textsIn(data.details)], data,
  }
}

/** `sessionId`, `currentSessionId`, `session_ids`, `sid`, `sessions`… A sender names its own details, so whatever is called a session is taken for one. */
const sessionName = /session(s|_?ids?)?$|^sids?$/i

/** Every text under a member that is called a session. One too many is hashed without harm; one too few would be stored in the clear. */
function sessionIdsIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, member]) => (sessionName.test(name) ? textsIn(member) : sessionIdsIn(member)))
}

/** The contract bounds how deep details nest, so recursion is safe here. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : []
}
