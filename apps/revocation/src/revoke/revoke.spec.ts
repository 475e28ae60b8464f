import { Fault, requestedScope, revocationRecord, type RevocationRequest } from '@curfew/contracts'
import { defaultTenant, instant, toIso } from '@curfew/kernel'
import { permissionFor, revoke } from './revoke.js'

const now = instant(1_795_500_000_000)
const limits = { maxSessionAgeMs: 1_000_000, leewayMs: 60_000, skewMs: 5_000 }
const id = '0197c0de-0000-7000-8000-000000000001'
const decide = (request: RevocationRequest) => revoke({ id, tenant: defaultTenant, request, initiator: { kind: 'client', id: 'helpdesk' } }, 'https://curfew.test', now, limits)
const codeOf = (action: () => unknown) => {
  try { action() } catch (error) { return error instanceof Fault ? error.code : error }
  return undefined
}

test('an omitted issuer is the default one, named in the decision', () => {
  expect(decide({ scope: { kind: 'subject', sub: 'alice' } }).scope).toEqual({ kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' })
  expect(decide({ scope: { kind: 'key', kid: 'k', issuer: 'https://idp.test' } }).scope).toEqual({ kind: 'key', kid: 'k', issuer: 'https://idp.test' })
})

test('a wide scope is cut off now, or at the instant asked for', () => {
  expect(decide({ scope: { kind: 'tenant' } }).cutoff).toBe(toIso(now))
  expect(decide({ scope: { kind: 'client', clientId: 'web', issuedBefore: toIso(instant(now - 5)) } }).cutoff).toBe(toIso(instant(now - 5)))
})

test('this very instant is no future; a millisecond later is', () => {
  expect(decide({ scope: { kind: 'tenant', issuedBefore: toIso(now) } }).cutoff).toBe(toIso(now))
  expect(codeOf(() => decide({ scope: { kind: 'tenant', issuedBefore: toIso(instant(now + 1)) } }))).toBe('cutoff.in_future')
})

test.each([{ kind: 'session', id: 's' }, { kind: 'token', jti: 'j' }, { kind: 'key', kid: 'k' }] as const)('%j is absolute: no cutoff, and nobody is spared', (scope) => {
  expect(decide({ scope }).cutoff).toBeNull()
  expect(codeOf(() => decide({ scope, except: ['s'] }))).toBe('revocation.exceptions_on_absolute')
})

test('a key of every tenant is said so beside its scope, and only then', () => {
  expect(decide({ scope: { kind: 'key', kid: 'k', everyTenant: true } })).toMatchObject({ scope: { kind: 'key', kid: 'k', issuer: 'https://curfew.test' }, everyTenant: true })
  expect(decide({ scope: { kind: 'key', kid: 'k', everyTenant: false } })).not.toHaveProperty('everyTenant')
})

test('exceptions are a set of at most 10,000', () => {
  const ids = Array.from({ length: 10_001 }, (_, n) => `s${n}`)
  expect(decide({ scope: { kind: 'subject', sub: 'a' }, except: ['b', 'a', 'b'] }).except).toEqual(['a', 'b'])
  expect(decide({ scope: { kind: 'subject', sub: 'a' }, except: [...ids.slice(1), ids[1]!] }).except).toHaveLength(10_000)
  expect(codeOf(() => decide({ scope: { kind: 'subject', sub: 'a' }, except: ids }))).toBe('revocation.too_many_exceptions')
})

test('an entry is kept until nothing it could match is accepted: cutoff, or decision, plus age, leeway and skew (I8)', () => {
  const kept = 1_065_000
  expect(decide({ scope: { kind: 'tenant', issuedBefore: toIso(instant(now - 5)) } }).forgetAfter).toBe(toIso(instant(now - 5 + kept)))
  expect(decide({ scope: { kind: 'session', id: 's' } }).forgetAfter).toBe(toIso(instant(now + kept)))
})

test('what is decided is a valid record, and deciding again is the same record', () => {
  const request: RevocationRequest = { scope: { kind: 'subject', sub: 'alice' }, except: ['s'], reason: { code: 'password_reset', text: 'helpdesk 4711' } }
  expect(revocationRecord.parse(decide(request))).toEqual(decide(request))
})

test.each([
  [{ kind: 'session', id: 's' }, 'revocations:write'], [{ kind: 'subject', sub: 'a' }, 'revocations:write'], [{ kind: 'device', deviceId: 'd' }, 'revocations:write'],
  [{ kind: 'grant', grantId: 'g' }, 'revocations:write'], [{ kind: 'token', jti: 'j' }, 'revocations:write'],
  [{ kind: 'client', clientId: 'c' }, 'revocations:write:wide'], [{ kind: 'agent', agentId: 'a' }, 'revocations:write:wide'],
  [{ kind: 'tenant' }, 'revocations:write:wide'], [{ kind: 'key', kid: 'k' }, 'revocations:write:wide'],
  [{ kind: 'key', kid: 'k', everyTenant: true }, 'admin'], [{ kind: 'key', kid: 'k', everyTenant: false }, 'revocations:write:wide'],
  [{ kind: 'subject', sub: 'a', issuer: '*' }, 'revocations:write:wide'], [{ kind: 'subject', sub: 'a', issuedBefore: '2026-01-01T00:00:00Z' }, 'revocations:write:wide'],
])('%j needs %s', (scope, permission) => {
  expect(permissionFor(requestedScope.parse(scope))).toBe(permission)
})
