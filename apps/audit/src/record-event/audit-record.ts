import type { Initiator } from '@curfew/contracts'
import type { Instant, TenantId } from '@curfew/kernel'

/** Who did it: the initiator of a decision, the source of a signal, the gateway that reports. */
export interface Actor {
  readonly kind: Initiator['kind'] | 'gateway'
  readonly id: string
}

/** What one event says, in the terms of the audit trail, before session ids are hashed and bounds applied. */
export interface Account {
  /** By the event's own account; the trail believes no instant that lies after the event was received. */
  readonly time: Instant
  readonly outcome?: 'success' | 'failure'
  /** Absent where the event does not say. */
  readonly actor?: Actor
  readonly subject?: { readonly issuer: string; readonly sub: string }
  /** The keyed hash of the session this is about. */
  readonly sessionHash?: string
  readonly revocationId?: string
  readonly reason?: string
  readonly data: unknown
  /** Plain session ids that the event carries: none may be left anywhere in what is stored (I12). */
  readonly plainSessionIds?: readonly string[]
  /** Names and texts that full-text search finds it by, beside actor, subject and reason. */
  readonly searchable?: readonly (string | null | undefined)[]
}

/** One row of the trail. It holds no plain session id and no token, and its size is bounded. */
export interface AuditRecord {
  /** Name-based over tenant, topic, source and event id: the same event is the same row, however often it arrives. */
  readonly id: string
  readonly tenant: TenantId
  readonly time: Instant
  readonly recordedAt: Instant
  readonly kind: string
  readonly outcome: 'success' | 'failure'
  readonly actor: Actor | null
  readonly subject: { readonly issuer: string; readonly sub: string } | null
  readonly sessionHash: string | null
  readonly revocationId: string | null
  readonly reason: string | null
  readonly source: EventPlace
  readonly data: unknown
  /** Tells a repeat from another event that borrows its source and id. */
  readonly contentHash: string
  readonly words: readonly string[]
}

export interface EventPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly eventId: string
  readonly eventSource: string
}
