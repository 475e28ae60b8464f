import type { issuerRequest } from '@curfew/contracts'
import { toIso, type Instant, type TenantId } from '@curfew/kernel'
import type { z } from 'zod'

/** An issuer whose tokens a tenant trusts. */
export interface TrustedIssuerRow {
  readonly tenant: TenantId
  readonly id: string
  readonly issuer: string
  readonly jwksUri: string | null
  readonly audiences: readonly string[]
  readonly beganAtClaim: string
  readonly updatedAt: Instant
}
export type IssuerRequest = z.infer<typeof issuerRequest>

/** The issuer as asked for: nothing of what it was before is kept. */
export const changeIssuer = (request: IssuerRequest, named: { tenant: TenantId; id: string }, now: Instant): TrustedIssuerRow => ({
  ...named, issuer: request.issuer, jwksUri: request.jwksUri ?? null, audiences: [...new Set(request.audiences)],
  // OpenID Connect Core section 2: the one claim that says when the person authenticated.
  beganAtClaim: request.beganAtClaim ?? 'auth_time', updatedAt: now,
})

export const presentIssuer = ({ tenant, id, issuer, jwksUri, audiences, beganAtClaim, updatedAt }: TrustedIssuerRow) =>
  ({ id, tenant, issuer, jwksUri, audiences: [...audiences], beganAtClaim, updatedAt: toIso(updatedAt) })
