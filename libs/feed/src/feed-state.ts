import type { BusRecord, ReceivedEvent } from '@curfew/bus'
import type { SnapshotDocument } from '@curfew/contracts'
import { MapDenylist, type QuarantineFlag, type TokenFacts } from '@curfew/denylist'
import { instant, type Clock, type Instant } from '@curfew/kernel'
import type { KeyObject } from 'node:crypto'
import { applyRecord, type RecordOutcome } from './apply-record.js'
import { feedKeys } from './signature.js'
import { elapsedAtMost, primaryNowAtMost, stalenessMs, type ClockSample } from './staleness.js'
import type { FeedAlarms, FeedStatus, FeedTerms, FeedVerdict } from './terms.js'
import { Watermarks } from './watermarks.js'

export interface FeedStateOptions {
  readonly clock: Clock
  readonly budgetMs: number
  readonly decode: (record: BusRecord) => ReceivedEvent
  /** A record names a key nobody told us of. True when newer terms are on their way, and `release` will be called once they came or failed. */
  readonly newerKeysAreComing: () => boolean
  readonly onAlarm: (outcome: Exclude<RecordOutcome, { kind: 'applied' }>, record: BusRecord) => void
}

/** Key ids of skipped records that are remembered. Past it every new key counts as one of them: a snapshot too many, never one too few. */
const maxSkippedKids = 64
/** Records kept while newer keys are on their way: some seconds of a busy feed. What comes on top ends the waiting. */
const maxHeld = 10_000

const endOfTime = 2n ** 63n

interface Held {
  readonly records: BusRecord[]
  next: bigint
}

/** Everything a reader of the feed knows, and what follows from it at each instant. It does no I/O, and starts nothing. */
export class FeedState {
  readonly denylist = new MapDenylist()
  private watermarks = new Watermarks()
  private keys: ReadonlyMap<string, KeyObject> = new Map()
  private terms: FeedTerms | undefined
  private sample: ClockSample | undefined
  private since: Instant | undefined
  private topicId: string | undefined
  private next: bigint[] = []
  private ends: readonly bigint[] = []
  private hasCaughtUp = false
  private readonly held = new Map<number, Held>()
  private readonly skippedKids = new Set<string>()
  private readonly alarms = { notAuthentic: 0, notUnderstood: 0, aheadOfTime: 0 }
  private bootstraps = 0

  constructor(private readonly options: FeedStateOptions) {}

  /** Takes in what the control plane answered; `sample` holds our clocks as they were when it was asked. */
  takeTerms(terms: FeedTerms, sample: ClockSample): void {
    const keys = feedKeys(terms.keys)
    const isMissed = [...keys.keys()].some((kid) => !this.keys.has(kid) && (this.skippedKids.has(kid) || this.skippedKids.size >= maxSkippedKids))
    // Records of a key that is known only now were skipped. Until a snapshot covers them, no watermark may claim that they were applied.
    if (isMissed) for (const [partition, next] of this.next.entries()) this.watermarks.freeze(partition, next - 1n)
    this.keys = keys
    // A reader that is not counted joins once: each answer renews its clock, and none its beginning.
    if (this.since === undefined || terms.leaseMs !== undefined) this.since = terms.since
    this.terms = terms
    this.sample = sample
    this.watermarks.disbelieve(this.primaryNowAtMost())
  }

  /** Starts reading at a verified snapshot; what is known stays known. `ends` were captured after joining; being ready needs them passed (I10). */
  takeSnapshot(document: SnapshotDocument, ends: readonly bigint[]): void {
    if (this.topicId !== document.topicId) {
      this.watermarks = new Watermarks()
      this.hasCaughtUp = false
    }
    this.topicId = document.topicId
    this.next = document.positions.map(BigInt)
    this.ends = ends
    this.held.clear()
    this.skippedKids.clear()
    this.merge(document)
    // What froze a partition and is not covered is read again, and freezes it again before any later watermark.
    this.watermarks.thaw(this.next.map(() => endOfTime))
    this.bootstraps += 1
  }

  /** Merges a verified snapshot while reading goes on where it is: what froze a partition and is covered does so no longer. */
  takeSnapshotBeside(document: SnapshotDocument): void {
    if (document.topicId !== this.topicId) return
    this.merge(document)
    this.watermarks.thaw(document.positions.map(BigInt))
  }

  private merge({ denylist: { entries, flags } }: SnapshotDocument): void {
    // Tenants and instants are plain text and numbers on the wire; the document's schema has accepted them.
    this.denylist.merge(MapDenylist.restore({ version: 1, entries, flags: flags as unknown as readonly QuarantineFlag[] }))
  }

  takeBatch(partition: number, records: readonly BusRecord[], next: bigint): void {
    const held = this.held.get(partition)
    if (held === undefined) return this.applyInOrder(partition, records, next, true)
    held.records.push(...records)
    held.next = next
    if (held.records.length > maxHeld) this.release()
  }

  /** Newer terms came, or could not be had: what waited for them is applied as far as it can be. */
  release(): void {
    const waiting = [...this.held]
    this.held.clear()
    for (const [partition, { records, next }] of waiting) this.applyInOrder(partition, records, next, false)
  }

  private applyInOrder(partition: number, records: readonly BusRecord[], next: bigint, mayHold: boolean): void {
    for (const [at, record] of records.entries()) {
      const outcome = this.apply(record)
      if (outcome.kind === 'unknown_key') {
        if (mayHold && this.options.newerKeysAreComing()) {
          this.held.set(partition, { records: records.slice(at), next })
          return
        }
        if (this.skippedKids.size < maxSkippedKids) this.skippedKids.add(outcome.kid)
      }
      this.count(outcome, record)
    }
    this.next[partition] = next
  }

  private apply(record: BusRecord): RecordOutcome {
    const { denylist, watermarks, keys, options: { decode } } = this
    return applyRecord(record, { denylist, watermarks, keys, decode, primaryNowAtMost: this.primaryNowAtMost() })
  }

  private count(outcome: RecordOutcome, record: BusRecord): void {
    if (outcome.kind === 'applied') return
    if (outcome.kind === 'not_understood') this.alarms.notUnderstood += 1
    else if (outcome.kind === 'ahead_of_time') this.alarms.aheadOfTime += 1
    else this.alarms.notAuthentic += 1
    this.options.onAlarm(outcome, record)
  }

  /** Drops what nothing can match any more, by the clock and by the watermark (I8). */
  forget(): number {
    const watermark = this.watermarks.value
    return watermark === undefined ? 0 : this.denylist.forget(this.options.clock.now(), watermark)
  }

  verdictOn(facts: TokenFacts): FeedVerdict {
    return this.unready() === undefined ? this.denylist.verdictOn(facts, this.nowAtMost()) : 'stale'
  }

  /** What ends by itself, a hold, was given its end by the primary's clock: a wall clock of ours that is fast ends none early, and a slow one only late. */
  private nowAtMost(): Instant {
    return instant(Math.min(this.options.clock.now(), this.primaryNowAtMost()))
  }

  stalenessMs(): number {
    return this.sample === undefined ? Number.POSITIVE_INFINITY : stalenessMs(this.watermarks.value, this.primaryNowAtMost())
  }

  /** The latest instant the primary's clock can show now. Nothing was shown before the first terms. */
  primaryNowAtMost(): Instant {
    const { sample, options: { clock } } = this
    return sample === undefined ? instant(0) : primaryNowAtMost(sample, clock.monotonicMs(), clock.now())
  }

  get budgetMs(): number {
    return Math.min(this.options.budgetMs, this.terms?.budgetMs ?? this.options.budgetMs)
  }

  get verifyingKeys(): ReadonlyMap<string, KeyObject> {
    return this.keys
  }

  get currentTerms(): FeedTerms | undefined {
    return this.terms
  }

  /** Judged by the clocks at every call: no timer sets a flag that could come late. Undefined when it may answer. */
  unready(): string | undefined {
    if (this.terms === undefined || this.sample === undefined || this.since === undefined) return 'the control plane has not been reached yet'
    if (this.topicId === undefined) return 'there is no snapshot yet'
    if (!this.isCaughtUp()) return 'the feed is still being read up to where it ended when this reader joined'
    const watermark = this.watermarks.value
    if (watermark === undefined || watermark < this.since) return 'no watermark since this reader joined has come on every partition'
    if (this.isLeaseOver(this.terms.leaseMs)) return 'the lease was not renewed in time'
    return this.stalenessMs() > this.budgetMs ? 'the denylist is older than the budget allows' : undefined
  }

  private isCaughtUp(): boolean {
    this.hasCaughtUp ||= this.ends.every((end, partition) => (this.next[partition] ?? 0n) >= end)
    return this.hasCaughtUp
  }

  // Counted from the instant the renewal was sent, at the fastest our clocks may be wrong: it is over here before it is over there (I11).
  private isLeaseOver(leaseMs: number | undefined): boolean {
    const { sample, options: { clock } } = this
    return leaseMs !== undefined && sample !== undefined && elapsedAtMost(sample, clock.monotonicMs(), clock.now()) >= leaseMs
  }

  /** Why what is followed is no longer what the control plane speaks of, if it is not: only a snapshot helps. */
  reasonToStartOver(): string | undefined {
    if (this.topicId === undefined || this.terms === undefined) return undefined
    if (this.terms.topicId !== this.topicId) return 'the topic was created anew'
    const partitions = Math.max(this.terms.partitions, this.watermarks.partitions)
    return partitions === this.next.length ? undefined : 'the topic has another number of partitions'
  }

  get frozenPartitions(): readonly number[] {
    return this.watermarks.frozenPartitions
  }

  status(): FeedStatus {
    const unready = this.unready()
    const watermark = this.watermarks.value
    return {
      isReady: unready === undefined, positions: this.next.map(String), stalenessMs: this.stalenessMs(), budgetMs: this.budgetMs,
      entries: this.denylist.size, alarms: { ...this.alarms } satisfies FeedAlarms, frozenPartitions: this.frozenPartitions, bootstraps: this.bootstraps,
      ...(unready === undefined ? {} : { unready }),
      ...(this.topicId === undefined ? {} : { topicId: this.topicId }),
      ...(watermark === undefined ? {} : { watermark }),
    }
  }
}
