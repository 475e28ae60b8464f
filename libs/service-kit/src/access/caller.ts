import { Fault, holdsScope, type Caller } from '@curfew/contracts'
import { tenantPattern, type TenantId } from '@curfew/kernel'
import type { AccessTokenClaims } from '@curfew/tokens'

/**
 * Who calls, in which tenant. A caller stays in its token's tenant; one that holds `admin` may name another configured one. Everything else is
 * 404 `tenant.unknown`, so that nobody learns which tenants exist.
 */
export function callerOf(claims: AccessTokenClaims, named: string | undefined, tenants: readonly TenantId[]): Caller & { readonly tenant: TenantId } {
  const scopes = scopesOf(claims)
  const tenant = named ?? claims.tenant
  const isOwn = tenant === claims.tenant
  const isOpen = tenantPattern.test(tenant) && tenants.includes(tenant as TenantId) && tenants.includes(claims.tenant as TenantId)
  if (!isOpen || !(isOwn || holdsScope(scopes, 'admin'))) throw new Fault('tenant.unknown')
  return {
    tenant: tenant as TenantId, clientId: claims.client_id, scopes,
    // A session token speaks for a person; without a session the client speaks for itself.
    initiator: claims.sid === undefined ? { kind: 'client', id: claims.client_id } : { kind: 'person', id: claims.sub },
  }
}

export const scopesOf = (claims: AccessTokenClaims): string[] => (claims.scope ?? '').split(' ').filter((scope) => scope !== '')
