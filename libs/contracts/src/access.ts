/** What a control-plane caller may do (API.md). `admin` holds every other scope. */
export const accessScopes = [
  'sessions:issue', 'sessions:read', 'revocations:write', 'revocations:write:wide', 'revocations:approve', 'revocations:read', 'lifecycle:publish',
  'policies:write', 'fleet:read', 'audit:read', 'gateway', 'admin',
] as const
export type AccessScope = (typeof accessScopes)[number]

export const holdsScope = (held: readonly string[], needed: AccessScope): boolean => held.includes(needed) || held.includes('admin')

/** Who is calling, as the guard established it from the token. */
export interface Caller {
  readonly tenant: string
  readonly clientId: string
  /** The person behind the call where there is one, else the client itself. */
  readonly initiator: { readonly kind: 'client' | 'person'; readonly id: string }
  readonly scopes: readonly string[]
}
