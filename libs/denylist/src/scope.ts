/** What a revocation names, after the issuer was resolved. `issuer: '*'` on a subject is explicit and wide. */
export type Scope =
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'token'; readonly jti: string; readonly issuer: string }
  | { readonly kind: 'subject'; readonly issuer: string; readonly sub: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'device'; readonly deviceId: string }
  | { readonly kind: 'agent'; readonly agentId: string }
  | { readonly kind: 'grant'; readonly grantId: string }
  | { readonly kind: 'tenant' }
  | { readonly kind: 'key'; readonly kid: string; readonly issuer: string }

export type ScopeKind = Scope['kind']

/** Dead is dead: these compare no cutoff (PROTOCOL section 1). */
export const absoluteKinds: ReadonlySet<ScopeKind> = new Set(['session', 'token', 'key'])
