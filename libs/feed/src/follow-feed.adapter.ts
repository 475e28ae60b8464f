import { decodeEvent, type BusRecord, type FeedReader, type Tail } from '@curfew/bus'
import type { SnapshotDocument } from '@curfew/contracts'
import type { TokenFacts } from '@curfew/denylist'
import { Outage, type Clock } from '@curfew/kernel'
import { setTimeout as sleep } from 'node:timers/promises'
import { authenticityOf, type RecordOutcome } from './apply-record.js'
import { pauseAfter } from './back-off.js'
import { FeedState } from './feed-state.js'
import { readSnapshot } from './read-snapshot.js'
import { TermsRenewal, type Pause } from './renew-terms.adapter.js'
import type { Authenticity, FeedHome, FeedLog, FeedStatus, FeedTerms, FeedVerdict, FollowedFeed } from './terms.js'

export interface FollowFeedOptions {
  readonly home: FeedHome
  readonly reader: FeedReader
  readonly clock: Clock
  readonly log: FeedLog
  /** Past this staleness it answers 'stale'. A smaller budget that the control plane acknowledged wins. */
  readonly budgetMs: number
  /** How long records may gather before they are applied, ms. Absent: at once, as a gateway must. */
  readonly gatherMs?: number
  /** For tests: how time passes between attempts. */
  readonly pause?: Pause
  /** For tests: the jitter of those pauses, in [0, 1). */
  readonly random?: () => number
}

/** Between two refreshes of the keys on behalf of records whose key is unknown: whoever invents key ids costs one request in this time. */
const keyCooldownMs = 10_000
const bootstrapBackOff = { firstMs: 200, mostMs: 5_000 }
/** A snapshot is dear, so some seconds lie before it, but the first two fit into the default budget. */
const thawBackOff = { firstMs: 10_000, mostMs: 300_000 }
/** Forgetting walks the whole denylist and is in no hurry: entries wait an hour beyond their time anyway. */
const forgetEveryMs = 60_000
/** One line of an alarm in this time, with the number of those it stands for. Counters count each. */
const alarmEveryMs = 10_000

const pauseInRealTime: Pause = async (ms, signal) => {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/**
 * Follows the feed for as long as it is not closed: joins, takes a snapshot, tails on from it, and starts over whenever the tail cannot
 * go on truthfully. While the control plane or the log is away it tries again for ever, and meanwhile its answers age.
 */
export function followFeed(options: FollowFeedOptions): FollowedFeed {
  return new FeedFollower(options)
}

class FeedFollower implements FollowedFeed {
  private readonly ending = new AbortController()
  private readonly state: FeedState
  private readonly renewal: TermsRenewal
  private readonly pause: Pause
  private readonly random: () => number
  private readonly running: Promise<unknown>
  private waiting: { resolve(): void; reject(error: Error): void }[] = []
  private startOver: ((reason: string) => void) | undefined
  private isThawing = false
  private readonly outage: Outage
  private readonly alarmed = new Map<string, { at: number; untold: number }>()

  constructor(private readonly options: FollowFeedOptions) {
    const { home, clock, log, budgetMs, pause = pauseInRealTime, random = Math.random } = options
    this.pause = pause
    this.outage = new Outage(clock)
    this.random = random
    this.state = new FeedState({
      clock, budgetMs, decode: decodeEvent, onAlarm: (outcome, record) => this.alarm(outcome, record),
      newerKeysAreComing: () => !this.signal.aborted && this.renewal.isUnderWayOrBegins(keyCooldownMs),
    })
    this.renewal = new TermsRenewal({
      home, clock, log, pause, random, onTerms: (terms, sample) => this.state.takeTerms(terms, sample), onSettled: () => this.afterRenewal(),
    })
    this.running = Promise.all([this.renewal.run(this.signal), this.followForEver(), this.forgetNowAndThen()])
  }

  private get signal(): AbortSignal {
    return this.ending.signal
  }

  private async followForEver(): Promise<void> {
    for (let failures = 0; !this.signal.aborted;) {
      try {
        const { reason, wasReady } = await this.follow()
        failures = wasReady ? 1 : failures + 1
        if (!this.signal.aborted) this.options.log.warn({ reason }, 'the feed starts over from a snapshot')
      } catch (error) {
        failures += 1
        const news = this.signal.aborted ? undefined : this.outage.failed()
        if (news) this.options.log[news.level]({ err: error, lastedMs: news.lastedMs }, 'the feed cannot be followed yet; trying again')
      }
      await this.pause(pauseAfter(failures, bootstrapBackOff, this.random()), this.signal)
      if (!this.signal.aborted) await this.orEnded(this.renewal.renew()).catch(() => undefined)
    }
  }

  /** One life of the tail, from a snapshot to the instant it cannot go on. */
  private async follow(): Promise<{ reason: string; wasReady: boolean }> {
    const terms = await this.termsAtLast()
    const from = await this.bootstrap(terms)
    const over = new Promise<string>((resolve) => (this.startOver = resolve))
    let isCurrent = true
    const onBatch = (partition: number, records: readonly BusRecord[], next: bigint): void => {
      if (isCurrent) this.takeBatch(partition, records, next)
    }
    const tailing = this.options.reader.tail({ topic: terms.topic, from, ...(this.options.gatherMs === undefined ? {} : { gatherMs: this.options.gatherMs }), onBatch, onLost: (reason) => this.startOver?.(reason) })
    let tail: Tail | undefined
    try {
      tail = await this.orEnded(tailing)
      const lastedMs = this.outage.over()
      if (lastedMs !== undefined) this.options.log.info({ lastedMs }, 'the feed is followed now')
      this.afterNews()
      const reason = await this.orEnded(over)
      return { reason, wasReady: this.isReady }
    } finally {
      isCurrent = false
      this.startOver = undefined
      // A tail that comes to be only after we gave up waiting for it is closed then.
      if (tail === undefined) void tailing.then((late) => late.close()).catch(() => undefined)
      else await tail.close().catch(() => undefined)
    }
  }

  private async termsAtLast(): Promise<FeedTerms> {
    if (this.state.currentTerms === undefined) await this.orEnded(this.renewal.renew())
    if (this.state.currentTerms === undefined) throw new Error('the control plane has not answered with its terms')
    return this.state.currentTerms
  }

  private async bootstrap(terms: FeedTerms): Promise<bigint[]> {
    const { reader } = this.options
    const described = await this.orEnded(reader.describe(terms.topic))
    if (described.topicId !== terms.topicId) throw new Error('the log and the control plane speak of different incarnations of the topic')
    // Captured after joining: whatever was published before this reader was counted lies below (I10).
    const ends = await this.orEnded(reader.endOffsets(terms.topic))
    const document = await this.snapshotOf(terms)
    this.state.takeSnapshot(document, ends)
    return document.positions.map(BigInt)
  }

  private async snapshotOf(terms: FeedTerms): Promise<SnapshotDocument> {
    const signed = await this.orEnded(this.options.home.snapshot(this.signal))
    return readSnapshot(signed, terms, this.state.verifyingKeys, this.state.primaryNowAtMost())
  }

  private takeBatch(partition: number, records: readonly BusRecord[], next: bigint): void {
    this.state.takeBatch(partition, records, next)
    this.afterNews()
  }

  private afterRenewal(): void {
    this.state.release()
    this.afterNews()
  }

  private afterNews(): void {
    const reason = this.state.reasonToStartOver()
    if (reason !== undefined) this.startOver?.(reason)
    if (this.state.frozenPartitions.length > 0 && !this.isThawing) void this.thaw()
    if (this.waiting.length === 0 || !this.isReady) return
    const ready = this.waiting
    this.waiting = []
    for (const { resolve } of ready) resolve()
  }

  /**
   * The control plane understands its own records: a snapshot that covers one is how a reader gets past it. The tail goes on meanwhile,
   * because what can be applied should be.
   */
  private async thaw(): Promise<void> {
    this.isThawing = true
    for (let attempts = 1; this.state.frozenPartitions.length > 0 && !this.signal.aborted; attempts += 1) {
      await this.pause(pauseAfter(attempts, thawBackOff, this.random()), this.signal)
      if (this.signal.aborted || this.state.currentTerms === undefined || this.state.frozenPartitions.length === 0) break
      try {
        this.state.takeSnapshotBeside(await this.snapshotOf(this.state.currentTerms))
      } catch (error) {
        if (!this.signal.aborted) this.options.log.warn({ err: error }, 'a partition stays frozen: there is no snapshot that covers what froze it')
      }
    }
    this.isThawing = false
    if (!this.signal.aborted) this.afterNews()
  }

  private async forgetNowAndThen(): Promise<void> {
    while (!this.signal.aborted) {
      await this.pause(forgetEveryMs, this.signal)
      this.state.forget()
    }
  }

  private alarm(outcome: Exclude<RecordOutcome, { kind: 'applied' }>, { topic, partition, offset }: BusRecord): void {
    const now = this.options.clock.monotonicMs()
    const last = this.alarmed.get(outcome.kind)
    if (last !== undefined && now - last.at < alarmEveryMs) {
      last.untold += 1
      return
    }
    this.alarmed.set(outcome.kind, { at: now, untold: 0 })
    const why = 'why' in outcome ? { why: outcome.why } : {}
    this.options.log.error({ outcome: outcome.kind, ...why, topic, partition, offset: String(offset), since: last?.untold ?? 0 }, 'a record of the feed was not applied')
  }

  /** As the promise does, unless the follower is closed first. */
  private async orEnded<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    let onAbort = (): void => undefined
    const ended = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(signal.reason as Error)
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return await Promise.race([promise, ended])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  verdictOn(facts: TokenFacts): FeedVerdict {
    return this.signal.aborted ? 'stale' : this.state.verdictOn(facts)
  }

  authenticityOf(record: BusRecord): Authenticity {
    if (this.state.currentTerms === undefined) return 'unknown'
    const found = authenticityOf(record, this.state.verifyingKeys)
    if (found !== 'unknown_key') return found
    // A key that nobody could be asked about is not yet a stranger's. Else it is asked for once in the cooldown: whoever invents ids is told 'forged' after one renewal.
    const mayBeYoung = this.signal.aborted || this.renewal.isFailing || this.renewal.isUnderWayOrBegins(keyCooldownMs)
    return mayBeYoung ? 'unknown' : 'forged'
  }

  stalenessMs(): number {
    return this.state.stalenessMs()
  }

  get isReady(): boolean {
    return !this.signal.aborted && this.state.unready() === undefined
  }

  get version(): number {
    return this.state.denylist.version
  }

  entries(): number {
    return this.state.denylist.size
  }

  status(): FeedStatus {
    const status = this.state.status()
    return this.signal.aborted ? { ...status, isReady: false, unready: 'it was closed' } : status
  }

  whenReady(): Promise<void> {
    if (this.isReady) return Promise.resolve()
    if (this.signal.aborted) return Promise.reject(new Error('the feed was closed'))
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  async close(): Promise<void> {
    this.ending.abort(new Error('the feed was closed'))
    const waiting = this.waiting
    this.waiting = []
    for (const { reject } of waiting) reject(new Error('the feed was closed before it was ready'))
    await this.running
  }
}
