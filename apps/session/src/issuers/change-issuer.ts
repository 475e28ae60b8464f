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
  readonly isDefault: boolean
  readonly updatedAt: Instant
}
export type IssuerRequest = z.infer<typeof issuerRequest>

/** The issuer as asked for; only whether it is the tenant's default is kept when the request does not say. */
export const changeIssuer = (known: TrustedIssuerRow | undefined, request: IssuerRequest, named: { tenant: TenantId; id: string }, now: Instant): TrustedIssuerRow => ({
  ...named, issuer: request.issuer, jwksUri: request.jwksUri ?? null, audiences: [...new Set(request.audiences)],
  // OpenID Connect Core section 2: the one claim that says when the person authenticated.
  beganAtClaim: request.beganAtClaim ?? 'auth_time', isDefault: request.isDefault ?? known?.isDefault ?? false, updatedAt: now,
})

export const presentIssuer = ({ tenant, id, issuer, jwksUri, audiences, beganAtClaim, isDefault, updatedAt }: TrustedIssuerRow) =>
  ({ id, tenant, issuer, jwksUri, audiences: [...audiences], beganAtClaim, isDefault, updatedAt: toIso(updatedAt) })
