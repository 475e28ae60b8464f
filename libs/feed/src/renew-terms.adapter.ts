import { Outage, type Clock } from '@curfew/kernel'
import { pauseAfter } from './back-off.js'
import type { ClockSample } from './staleness.js'
import type { FeedHome, FeedLog, FeedTerms } from './terms.js'

/** Resolves after so many ms, or at once when the signal is aborted; never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export interface RenewTermsOptions {
  readonly home: FeedHome
  readonly clock: Clock
  readonly log: FeedLog
  readonly pause: Pause
  readonly random: () => number
  readonly onTerms: (terms: FeedTerms, sample: ClockSample) => void
  /** After every attempt, whether it succeeded or not. */
  readonly onSettled: () => void
}

/** Renewing at a third of a short lease lets two in a row fail before it runs out. */
const renewalsPerLease = 3
/**
 * Drift in ten seconds is 10 ms, so clocks and keys stay fresh. A long lease is renewed as often: it outlasts the staleness budget by half a minute,
 * and what is left of it when the control plane goes away must too (DESIGN section 8: gateways are unaffected for their budget).
 */
const renewalMs = 10_000
const backOff = { firstMs: 200, mostMs: 5_000 }

/** Asks the control plane for its terms again and again: at its own pace while that succeeds, sooner with growing pauses while it does not. */
export class TermsRenewal {
  private flight: Promise<boolean> | undefined
  private hasFailed = false
  private intervalMs = renewalMs
  private readonly outage: Outage
  private hurriedAt = Number.NEGATIVE_INFINITY

  constructor(private readonly options: RenewTermsOptions) {
    this.outage = new Outage(options.clock)
  }

  /** Runs until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { pause, random } = this.options
    for (let failures = 0; !signal.aborted;) {
      failures = (await this.renew()) ? 0 : failures + 1
      if (!signal.aborted) await pause(failures === 0 ? this.intervalMs : Math.min(this.intervalMs, pauseAfter(failures, backOff, random())), signal)
    }
  }

  /** One attempt, shared by everybody who asks while it runs. True when terms came; never rejects. */
  renew(): Promise<boolean> {
    this.flight ??= this.attempt().finally(() => {
      this.flight = undefined
      this.options.onSettled()
    })
    return this.flight
  }

  /** Whether the last attempt brought nothing, so that what is known here may be out of date. */
  get isFailing(): boolean {
    return this.hasFailed
  }

  /** Whether an attempt is on its way, or begins now out of turn: once in the cooldown at most. */
  isUnderWayOrBegins(cooldownMs: number): boolean {
    if (this.flight !== undefined) return true
    const now = this.options.clock.monotonicMs()
    if (now - this.hurriedAt < cooldownMs) return false
    this.hurriedAt = now
    void this.renew()
    return true
  }

  private async attempt(): Promise<boolean> {
    const { home, clock, log, onTerms } = this.options
    // Read before the request goes out: what the primary answers is at least as old as this (PROTOCOL section 7).
    const sent = { sentMonotonicMs: clock.monotonicMs(), sentWallMs: clock.now() }
    try {
      const terms = await home.join()
      this.intervalMs = terms.leaseMs === undefined ? renewalMs : Math.max(1, Math.min(renewalMs, Math.floor(terms.leaseMs / renewalsPerLease)))
      onTerms(terms, { primary: terms.primary, ...sent })
      const lastedMs = this.outage.over()
      if (lastedMs !== undefined) log.info({ lastedMs }, 'the control plane answers again')
      this.hasFailed = false
      return true
    } catch (error) {
      this.hasFailed = true
      const news = this.outage.failed()
      if (news) log[news.level]({ err: error, lastedMs: news.lastedMs }, 'the control plane did not answer with its terms; trying again')
      return false
    }
  }
}
