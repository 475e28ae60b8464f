import type { z } from 'zod'
import { activityObserved, enforcementApplied, subjectChanged } from './enforcement.js'
import { signalData, signalKindOf } from './lifecycle.js'
import { quarantineCommand, quarantineRecord, revocationCommand, revocationRecord, watermarkRecord } from './revocation.js'
import { sessionEnded, sessionStarted } from './session.js'
import { topics, type TopicSpec } from './topics.js'

/** One kind of message: where it travels, under which CloudEvents type and schema version, and what its data must be. */
export interface EventSpec<T = unknown> {
  /** For lifecycle signals a family: `curfew.lifecycle.<kind>`. */
  readonly type: string
  readonly topic: TopicSpec
  readonly version: number
  readonly schema: z.ZodType<T>
  readonly summary: string
}

const event = <T>(type: string, topic: TopicSpec, schema: z.ZodType<T>, summary: string): EventSpec<T> => ({ type, topic, version: 1, schema, summary })

export const events = {
  signal: event('curfew.lifecycle.<kind>', topics.lifecycle, signalData, 'What an identity team, IdP or HR system said happened to a subject.'),
  revocationRequested: event('curfew.revocation.requested', topics.revocationCommands, revocationCommand, 'Someone authorised asks that a scope end.'),
  quarantineRequested: event('curfew.quarantine.requested', topics.revocationCommands, quarantineCommand, 'Someone authorised asks that an agent be held or released.'),
  revocationDecided: event('curfew.revocation.decided', topics.revocations, revocationRecord, 'A scope is dead up to its cutoff: the record every gateway obeys.'),
  quarantineChanged: event('curfew.quarantine.changed', topics.revocations, quarantineRecord, 'An agent is held or released; the highest version wins.'),
  watermarkAdvanced: event('curfew.watermark.advanced', topics.revocations, watermarkRecord, 'Every revocation accepted before this instant lies below this record.'),
  sessionStarted: event('curfew.session.started', topics.sessions, sessionStarted, 'A session was issued.'),
  sessionEnded: event('curfew.session.ended', topics.sessions, sessionEnded, 'A session ended.'),
  subjectChanged: event('curfew.subject.changed', topics.subjects, subjectChanged, 'A subject was enabled, disabled or deleted.'),
  activityObserved: event('curfew.activity.observed', topics.activity, activityObserved, 'A session was used at a gateway.'),
  enforcementApplied: event('curfew.enforcement.applied', topics.enforcement, enforcementApplied, 'A gateway has applied the feed up to these positions.'),
} as const

export const eventCatalogue: readonly EventSpec[] = Object.values(events)

/** The catalogue's row for a type on a topic; undefined when this topic does not carry it. */
export function eventSpec(topicName: string, type: string): EventSpec | undefined {
  if (topicName === topics.lifecycle.name) return signalKindOf(type) === undefined ? undefined : events.signal
  return eventCatalogue.find((spec) => spec.topic.name === topicName && spec.type === type)
}
