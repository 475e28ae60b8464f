import type { Instant, TenantId } from '@curfew/kernel'

/**
 * One link of the chain a token rests on: the session it was minted in, a session it was derived from, or an actor it was
 * delegated to. Every hop counts for revocation (I6). Absent members name nothing and match nothing.
 */
export interface Hop {
  readonly issuer?: string
  readonly sub?: string
  readonly sessionId?: string
  readonly clientId?: string
  readonly deviceId?: string
  readonly agentId?: string
  readonly grantId?: string
  readonly jti?: string
  readonly kid?: string
}

/** The few claims a decision needs. `hops[0]` is the token itself; the rest are its parents and actors, outermost first. */
export interface TokenFacts {
  readonly tenant: TenantId
  readonly hops: readonly [Hop, ...Hop[]]
  /** The instant of the earliest authentication the token rests on (I3), never of its minting. */
  readonly beganAt: Instant
  readonly expiresAt: Instant
}
