import type { Instant, TenantId } from '@curfew/kernel'
import type { DerivedSecrets } from '@curfew/service-kit'
import { mintAccessToken, mintIfItFits, type AccessTokenClaims } from '@curfew/tokens'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { refreshTokenHash } from '../inventory/keyed-names.js'
import { claimsOf, type TokenTerms } from '../inventory/session-claims.js'
import type { KeyRing } from './key-ring.js'

export interface MintedToken {
  readonly accessToken: string
  readonly expiresIn: number
}

export interface SessionTokens extends MintedToken {
  readonly refreshToken: string
  readonly refreshTokenHash: string
}

/** Makes tokens, for sessions and for clients of the control plane. It keeps none. */
export class TokenMinter {
  constructor(private readonly ring: KeyRing, private readonly terms: TokenTerms, private readonly secrets: DerivedSecrets) {}

  /**
   * Both tokens of a session; undefined when it rests on so much that no verifier would take its access token. `jti` must never repeat and
   * `random` is 32 bytes. The refresh token begins with its tenant, so that whoever brings it back is looked for in no other.
   */
  async forSession(session: InventoriedSession, now: Instant, jti: string, random: Buffer): Promise<SessionTokens | undefined> {
    const claims = claimsOf(session, this.terms, now, jti)
    const accessToken = await mintIfItFits(claims, this.ring.keys.current)
    if (accessToken === undefined) return undefined
    const refreshToken = `${session.tenant}.${random.toString('base64url')}`
    return { accessToken, expiresIn: lifetimeOf(claims), refreshToken, refreshTokenHash: refreshTokenHash(this.secrets, session.tenant, refreshToken) }
  }

  /** For a client by itself (RFC 9068 section 2.2: without a resource owner, `sub` is the client). It rests on what was proved at `now`. */
  async forClient(client: { tenant: TenantId; clientId: string }, scopes: readonly string[], now: Instant, jti: string): Promise<MintedToken> {
    const { issuer, audience, lifetimeSeconds } = this.terms
    const iat = Math.floor(now / 1000)
    const claims: AccessTokenClaims = {
      iss: issuer, aud: audience, sub: client.clientId, client_id: client.clientId, jti, iat, exp: iat + lifetimeSeconds, scope: scopes.join(' '),
      tenant: client.tenant, began_at: now, kind: 'service',
    }
    return { accessToken: await mintAccessToken(claims, this.ring.keys.current), expiresIn: lifetimeOf(claims) }
  }
}

const lifetimeOf = ({ exp, iat }: AccessTokenClaims): number => exp - iat
