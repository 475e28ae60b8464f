import { isRefused, type Refused, type TokenVerifier, type Verified } from '@curfew/tokens'
import type { Clock } from '@curfew/kernel'
import { createHash } from 'node:crypto'

/** Ten thousand callers at a few KiB of claims each is some tens of MiB; beyond it the least recently seen is verified again. */
export const maxRemembered = 10_000

/**
 * Verifies access tokens, each once: a token that was accepted is remembered by the SHA-256 of its whole text until it expires, so no
 * other text, and no cut of it, can be taken for it. It does not know what was revoked; that is asked on every request.
 */
export class AccessTokens implements TokenVerifier {
  private readonly remembered = new Map<string, Verified>()

  constructor(private readonly verifier: TokenVerifier, private readonly clock: Pick<Clock, 'now'>, private readonly limit = maxRemembered) {}

  async verify(token: string): Promise<Verified | Refused> {
    const key = createHash('sha256').update(token).digest('base64')
    const known = this.recall(key)
    if (known) return known
    const outcome = await this.verifier.verify(token)
    if (!isRefused(outcome)) this.remember(key, outcome)
    return outcome
  }

  private recall(key: string): Verified | undefined {
    const known = this.remembered.get(key)
    if (known === undefined) return undefined
    this.remembered.delete(key)
    if (this.clock.now() >= known.facts.expiresAt) return undefined
    this.remembered.set(key, known)
    return known
  }

  private remember(key: string, verified: Verified): void {
    this.remembered.set(key, verified)
    if (this.remembered.size <= this.limit) return
    const [oldest] = this.remembered.keys()
    if (oldest !== undefined) this.remembered.delete(oldest)
  }
}

const shared = new WeakMap<TokenVerifier, AccessTokens>()

/** One memory for all who verify with the same verifier, so that a token is verified once in a process and not once in each service. */
export function accessTokensOf(verifier: TokenVerifier, clock: Pick<Clock, 'now'>): AccessTokens {
  const tokens = shared.get(verifier) ?? new AccessTokens(verifier, clock)
  shared.set(verifier, tokens)
  return tokens
}
