import type { BusRecord } from '@curfew/bus'
import type { PublicJwk } from '@curfew/contracts'
import type { TokenFacts } from '@curfew/denylist'
import type { Instant } from '@curfew/kernel'

/** What the control plane says when somebody joins, or renews: its clock, the feed, and the keys that sign it. */
export interface FeedTerms {
  /** The primary's clock as it answered. */
  readonly primary: Instant
  /** When the registration was committed, or `primary` where nobody registers: ready means a watermark at or past it (I10). */
  readonly since: Instant
  /** How long a registration holds from the instant it was sent. Absent for a reader that is not counted as a gateway. */
  readonly leaseMs?: number
  /** The staleness budget that the control plane reckons with; a reader's own may only be smaller. */
  readonly budgetMs?: number
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
  readonly keys: readonly PublicJwk[]
}

export interface SignedSnapshot {
  readonly body: Buffer
  readonly etag: string
  readonly signature: string | undefined
}

/** The control plane as a reader of the feed needs it. Both reject when it cannot be asked; callers try again. */
export interface FeedHome {
  /** A gateway's join registers it or renews its lease; a service's only reads the terms. */
  join(): Promise<FeedTerms>
  snapshot(signal?: AbortSignal): Promise<SignedSnapshot>
}

/** As pino has it. */
export interface FeedLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type FeedVerdict = 'allowed' | 'revoked' | 'stale'

/** How many records were not applied, by why. Each of the three is an alarm; none of them is silent. */
export interface FeedAlarms {
  /** Unsigned, badly signed, or signed by a key the control plane does not name. They prove nothing and stop nothing. */
  readonly notAuthentic: number
  /** Authentic, and of a kind, version or shape this program does not know: its partition's watermark stands still. */
  readonly notUnderstood: number
  /** Authentic, with an instant that the primary's clock cannot have shown yet. */
  readonly aheadOfTime: number
}

export interface FeedStatus {
  readonly isReady: boolean
  /** Why it is not ready, in one sentence. */
  readonly unready?: string
  readonly topicId?: string
  /** Next offset to read, per partition, as decimal text. */
  readonly positions: readonly string[]
  readonly watermark?: Instant
  /** Infinity without a watermark or a clock sample. */
  readonly stalenessMs: number
  readonly budgetMs: number
  readonly entries: number
  readonly alarms: FeedAlarms
  readonly frozenPartitions: readonly number[]
  /** How often it started over from a snapshot. */
  readonly bootstraps: number
}

/**
 * Whether the control plane wrote a record of the feed. 'unknown' while no keys are known here, or not the one it names while younger ones may yet come:
 * a renewal is under way, or could not be had. It says nothing of the record's key, partition and unsigned headers, which nobody should act on.
 */
export type Authenticity = 'authentic' | 'forged' | 'unknown'

/** A denylist that keeps itself current. */
export interface FollowedFeed {
  /** Asked on every request; synchronous, so that no I/O can hide in it. 'stale' unless it is ready, within its budget and under its lease. */
  verdictOn(facts: TokenFacts): FeedVerdict
  /** For services that read the feed's topic in a group of their own: they believe no record that a gateway would not. */
  authenticityOf(record: BusRecord): Authenticity
  stalenessMs(): number
  readonly isReady: boolean
  /** Grows whenever a verdict may have changed. A quarantine that ends by itself, and staleness, change verdicts without it. */
  readonly version: number
  entries(): number
  status(): FeedStatus
  /** Resolves when it is ready for the first time from now on; rejects when it is closed before. */
  whenReady(): Promise<void>
  /** Ends everything it started, and waits for it. It does not leave the fleet: that is the gateway's to say. */
  close(): Promise<void>
}
