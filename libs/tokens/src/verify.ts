import type { TokenFacts } from '@curfew/denylist'
import { assert, type Clock, type TenantId } from '@curfew/kernel'
import { compactVerify } from 'jose'
import type { SigningAlgorithm } from './algorithms.js'
import { accessTokenClaims, factsOf, type AccessTokenClaims } from './claims.js'
import { objectionTo, readCompact } from './compact.js'
import type { KeySource } from './key-source.js'

export interface TrustedIssuer {
  readonly issuer: string
  /** One of these must be among the token's audiences. */
  readonly audience: string | readonly string[]
  readonly keys: KeySource
  /** The tenants this issuer may speak for: a token's own `tenant` claim is not believed beyond them. Only our own issuer speaks for every one. */
  readonly tenants: readonly TenantId[] | 'every'
}

export interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[]
  readonly algorithms: readonly SigningAlgorithm[]
  readonly clock: Pick<Clock, 'now'>
  /** How far an issuer's clock may be from ours, in either direction. */
  readonly leewaySeconds: number
  /** Forgetting relies on these two (I8): a token past either is refused, so no entry need outlive them. */
  readonly maxTokenAgeMs: number
  readonly maxSessionAgeMs: number
}

export type RefusalCode = 'token.malformed' | 'token.signature' | 'token.issuer' | 'token.audience' | 'token.algorithm' | 'token.expired'
  | 'token.not_yet_valid' | 'token.too_old'

/** `detail` never quotes the token. */
export interface Refused {
  readonly code: RefusalCode
  readonly detail: string
}
export interface Verified {
  readonly facts: TokenFacts
  readonly claims: AccessTokenClaims
}

export interface TokenVerifier {
  /** Whether a trusted issuer said exactly this to us and it still holds. It does not know what was revoked, and never throws on input. */
  verify(token: string): Promise<Verified | Refused>
}

export const isRefused = (outcome: Verified | Refused): outcome is Refused => 'code' in outcome

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const issuers = new Map(options.issuers.map((each) => [each.issuer, each]))
  assert(issuers.size === options.issuers.length, 'an issuer is configured twice')
  return { verify: (token) => verify(token, issuers, options) }
}

async function verify(token: string, issuers: ReadonlyMap<string, TrustedIssuer>, options: TokenVerifierOptions): Promise<Verified | Refused> {
  const read = readCompact(token)
  if (typeof read === 'string') return refused('token.malformed', read)
  const { header, payload } = read
  const alg = options.algorithms.find((each) => each === header['alg'])
  if (typeof header['alg'] === 'string' && alg === undefined) return refused('token.algorithm', 'its algorithm is not allowed here')
  const objection = objectionTo(header)
  if (objection !== undefined || alg === undefined) return refused('token.malformed', objection ?? 'it names no algorithm')
  if (typeof payload['iss'] !== 'string') return refused('token.malformed', 'it names no issuer')
  const issuer = issuers.get(payload['iss'])
  if (issuer === undefined) return refused('token.issuer', 'its issuer is not trusted here')
  const kid = header['kid'] as string
  if (!(await isSigned(token, kid, alg, issuer.keys))) return refused('token.signature', 'no key of its issuer made this signature')
  const parsed = accessTokenClaims.safeParse(payload)
  if (!parsed.success) return refused('token.malformed', `claims missing or not as they must be: ${claimsAtFault(parsed.error)}`)
  const claims = parsed.data
  return objectionToReach(claims, issuer) ?? objectionToTime(claims, options) ?? { facts: factsOf(claims, kid), claims }
}

async function isSigned(token: string, kid: string, alg: SigningAlgorithm, keys: KeySource): Promise<boolean> {
  try {
    const key = await keys.key(kid, alg)
    if (key === undefined) return false
    await compactVerify(token, key, { algorithms: [alg] })
    return true
  } catch {
    // A key source that fails proves nothing either: refused, like any signature nobody vouches for.
    return false
  }
}

function objectionToReach({ aud, tenant, sub_iss }: AccessTokenClaims, issuer: TrustedIssuer): Refused | undefined {
  const meant = typeof aud === 'string' ? [aud] : aud
  const ours = typeof issuer.audience === 'string' ? [issuer.audience] : issuer.audience
  if (!meant.some((each) => ours.includes(each))) return refused('token.audience', 'it is meant for another audience')
  if (issuer.tenants !== 'every' && !issuer.tenants.includes(tenant as TenantId)) return refused('token.issuer', 'its issuer does not speak for this tenant')
  // Whoever could call its subject another issuer's would escape a revocation that names it under its own.
  if (issuer.tenants !== 'every' && sub_iss !== undefined) return refused('token.issuer', 'its issuer does not speak for subjects of another')
  return undefined
}

function objectionToTime({ iat, exp, nbf, began_at }: AccessTokenClaims, options: TokenVerifierOptions): Refused | undefined {
  const now = options.clock.now()
  const leewayMs = options.leewaySeconds * 1000
  // RFC 7519 section 4.1.4: on or after `exp` is too late.
  if (now >= exp * 1000 + leewayMs) return refused('token.expired', 'it has expired')
  if (Math.max(iat, nbf ?? 0) * 1000 > now + leewayMs) return refused('token.not_yet_valid', 'it is not valid yet')
  // I3: a session that begins in the future would escape every cutoff until then.
  if (began_at > now + leewayMs) return refused('token.malformed', 'its session begins in the future')
  if (now - iat * 1000 > options.maxTokenAgeMs) return refused('token.too_old', 'it was issued too long ago')
  if (now - began_at > options.maxSessionAgeMs) return refused('token.too_old', 'its session began too long ago')
  return undefined
}

// Paths of known claims only: what a stranger called his members is not repeated.
const claimsAtFault = ({ issues }: { issues: readonly { path: readonly PropertyKey[] }[] }): string =>
  [...new Set(issues.map(({ path }) => String(path[0])))].join(', ')

const refused = (code: RefusalCode, detail: string): Refused => ({ code, detail })
