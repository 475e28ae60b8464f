import type { TenantId } from '@curfew/kernel'
import type { AccessTokenClaims } from '@curfew/tokens'
import { callerOf } from './caller.js'

const tenants = ['default', 'acme'] as TenantId[]
const claims = (more: Partial<AccessTokenClaims>): AccessTokenClaims => ({
  iss: 'i', aud: 'curfew', sub: 'alice', client_id: 'ops', jti: 'j', iat: 0, exp: 1, tenant: 'default', began_at: 0, kind: 'service', scope: 'audit:read', ...more,
})

test('a caller acts in the tenant of its token', () => {
  expect(callerOf(claims({ scope: 'audit:read  fleet:read' }), undefined, tenants)).toEqual({ tenant: 'default', clientId: 'ops', scopes: ['audit:read', 'fleet:read'], initiator: { kind: 'client', id: 'ops' } })
})

test('a session speaks for its person', () => {
  expect(callerOf(claims({ sid: 's' }), undefined, tenants).initiator).toEqual({ kind: 'person', id: 'alice' })
})

test('an administrator may act in another configured tenant, and naming one\'s own changes nothing', () => {
  expect(callerOf(claims({ scope: 'admin' }), 'acme', tenants).tenant).toBe('acme')
  expect(callerOf(claims({}), 'default', tenants).tenant).toBe('default')
})

test.each([
  ['somebody else names another tenant', claims({}), 'acme'],
  ['an administrator names an unknown tenant', claims({ scope: 'admin' }), 'nowhere'],
  ['an administrator names what is no tenant', claims({ scope: 'admin' }), '../etc'],
  ['the token is of a tenant that is not configured', claims({ tenant: 'gone' }), undefined],
  ['it is, and its holder names a configured one', claims({ tenant: 'gone', scope: 'admin' }), 'acme'],
])('it is 404 when %s', (_what, held, named) => {
  expect(() => callerOf(held, named, tenants)).toThrow(expect.objectContaining({ code: 'tenant.unknown' }))
})
