import { accessScopes, Fault } from '@curfew/contracts'
import { instant, type Instant, type TenantId } from '@curfew/kernel'

/** Long enough for a rollout that takes a day, and the most that a leaked secret outlives its rotation. */
export const secretOverlapMs = 86_400_000

/** An OAuth client of the control plane. */
export interface OAuthClient {
  readonly tenant: TenantId
  readonly clientId: string
  readonly name: string | null
  readonly scopes: readonly string[]
  readonly enabled: boolean
  readonly createdAt: Instant
}

export interface ClientChange {
  readonly name?: string | undefined
  readonly scopes: readonly string[]
  readonly enabled?: boolean | undefined
}

/** The client after a change: scopes as given, and what is not mentioned as it was. Scopes nobody knows are refused. */
export function changeClient(known: OAuthClient | undefined, change: ClientChange, named: { tenant: TenantId; clientId: string }, now: Instant): OAuthClient {
  const unknown = change.scopes.flatMap((scope, at) => ((accessScopes as readonly string[]).includes(scope) ? [] : [{ pointer: `/scopes/${at}`, message: 'is not a scope' }]))
  if (unknown.length > 0) throw new Fault('request.invalid', { errors: unknown })
  return {
    ...named, name: change.name ?? known?.name ?? null, scopes: [...new Set(change.scopes)].sort(), enabled: change.enabled ?? known?.enabled ?? true,
    createdAt: known?.createdAt ?? now,
  }
}

export interface ClientSecret {
  readonly id: string
  readonly hash: string
  readonly createdAt: Instant
  /** Null for the current secret. */
  readonly expiresAt: Instant | null
}

/**
 * The secrets that remain when a new one joins: itself, and the one before it until the overlap ends. Whatever is older ends now, so
 * that rotating twice surely ends a leaked secret.
 */
export function rotateSecret(known: readonly ClientSecret[], added: ClientSecret): ClientSecret[] {
  const previous = known.find(({ expiresAt }) => expiresAt === null)
  return previous === undefined ? [added] : [added, { ...previous, expiresAt: instant(added.createdAt + secretOverlapMs) }]
}

export const isLive = ({ expiresAt }: ClientSecret, now: Instant): boolean => expiresAt === null || now < expiresAt
