/** The isolation boundary of everything: every selector, row and event belongs to exactly one tenant. */
export type TenantId = string & { readonly __id: 'tenant' }
export const tenantPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
export const defaultTenant = 'default' as TenantId

export function tenantId(text: string): TenantId {
  if (!tenantPattern.test(text)) throw new RangeError('a tenant is 1-63 of a-z, 0-9, dot, underscore, hyphen')
  return text as TenantId
}
