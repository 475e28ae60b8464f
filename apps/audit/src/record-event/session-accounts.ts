import { readInstant, type activityObserved, type enforcementApplied, type sessionEnded, type sessionStarted, type subjectChanged } from '@curfew/contracts'
import type { Instant } from '@curfew/kernel'
import type { z } from 'zod'
import type { Account } from './audit-record.js'

/** A session was issued, by whoever vouched for the subject. */
export function sessionBegan(data: z.infer<typeof sessionStarted>): Account {
  const { initiator, subject, sessionHash, beganAt, clientId, deviceId, agentId, grantId } = data
  return { time: readInstant(beganAt), actor: initiator, subject, sessionHash, searchable: [clientId, deviceId, agentId, grantId], data }
}

/** A session ended. Who ended it is said by the revocation it names, where it names one. */
export function sessionOver(data: z.infer<typeof sessionEnded>): Account {
  const { endedAt, subject, sessionHash, revocationId, reason } = data
  return { time: readInstant(endedAt), subject, sessionHash, revocationId: revocationId ?? undefined, reason, data }
}

/** A subject was enabled, disabled or deleted. */
export function subjectBecame(data: z.infer<typeof subjectChanged>): Account {
  return { time: readInstant(data.at), subject: data.subject, reason: data.status, data }
}

/** A session was used at a gateway. The event carries the plain id; the trail keeps its hash. */
export function activitySeen({ sessionId, ...data }: z.infer<typeof activityObserved>, hashOf: (sessionId: string) => string): Account {
  const sessionHash = hashOf(sessionId)
  return { time: readInstant(data.lastActiveAt), sessionHash, plainSessionIds: [sessionId], data: { ...data, sessionHash } }
}

/** A gateway had applied the feed up to these positions: when it obeyed. The report carries no instant of its own. */
export function gatewayObeyed(data: z.infer<typeof enforcementApplied>, at: Instant): Account {
  return { time: at, actor: { kind: 'gateway', id: data.gatewayId }, data }
}
