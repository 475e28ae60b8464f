import type { Clock } from '@curfew/kernel'
import { isRefused, type Refused, type TokenVerifier, type Verified } from '@curfew/tokens'
import { createHash } from 'node:crypto'

export interface VerifiedTokensOptions {
  readonly verifier: TokenVerifier
  readonly clock: Clock
  /** The verifier's own leeway: a token is as long alive here as there. */
  readonly leewayMs: number
  readonly maxEntries?: number
}

/** A signature is checked again after this long, so that a key that was withdrawn stops being believed. */
const verifiedForMs = 60_000
/** Tokens in use at once at one gateway, of about 2 KiB each: 40 MB at most. Past it the least recently used is verified again when it returns. */
const defaultMaxEntries = 20_000

interface Entry {
  readonly verified: Verified
  readonly until: number
}

/**
 * What the verifier said of tokens lately, found by the SHA-256 of the whole token. It remembers only that a token was good, and for no
 * longer than it is; whether it was revoked since is asked at every request, and not here.
 */
export class VerifiedTokens {
  private readonly entries = new Map<string, Entry>()
  private readonly underWay = new Map<string, Promise<Verified | Refused>>()
  private generation = 0

  constructor(private readonly options: VerifiedTokensOptions) {}

  async verify(token: string): Promise<Verified | Refused> {
    const digest = createHash('sha256').update(token).digest('base64')
    return this.remembered(digest) ?? this.underWay.get(digest) ?? this.verifyAnew(token, digest)
  }

  /** The issuer's keys changed: whatever they vouched for is verified again. */
  clear(): void {
    this.generation += 1
    this.entries.clear()
    this.underWay.clear()
  }

  get size(): number {
    return this.entries.size
  }

  private remembered(digest: string): Verified | undefined {
    const entry = this.entries.get(digest)
    if (entry === undefined) return undefined
    this.entries.delete(digest)
    const { clock, leewayMs } = this.options
    if (clock.monotonicMs() >= entry.until || clock.now() >= entry.verified.facts.expiresAt + leewayMs) return undefined
    // Set again, it is the youngest: a Map keeps the order of insertion, and the first is the least recently used.
    this.entries.set(digest, entry)
    return entry.verified
  }

  private verifyAnew(token: string, digest: string): Promise<Verified | Refused> {
    const verifying = this.verifyAndKeep(token, digest).finally(() => {
      if (this.underWay.get(digest) === verifying) this.underWay.delete(digest)
    })
    this.underWay.set(digest, verifying)
    return verifying
  }

  private async verifyAndKeep(token: string, digest: string): Promise<Verified | Refused> {
    const { generation } = this
    const outcome = await this.options.verifier.verify(token)
    // What the old keys vouched for is good for this request, and for no other.
    if (!isRefused(outcome) && generation === this.generation) this.keep(digest, outcome)
    return outcome
  }

  private keep(digest: string, verified: Verified): void {
    const { clock, maxEntries = defaultMaxEntries } = this.options
    this.entries.set(digest, { verified, until: clock.monotonicMs() + verifiedForMs })
    if (this.entries.size <= maxEntries) return
    const [oldest] = this.entries.keys()
    if (oldest !== undefined) this.entries.delete(oldest)
  }
}
