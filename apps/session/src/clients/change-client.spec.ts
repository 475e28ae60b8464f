import { Fault } from '@curfew/contracts'
import { defaultTenant, instant } from '@curfew/kernel'
import { changeClient, isLive, rotateSecret, secretOverlapMs } from './change-client.js'

const now = instant(1_795_500_000_000)
const named = { tenant: defaultTenant, clientId: 'ci' }

test('a new client is enabled and holds the scopes it was given', () => {
  expect(changeClient(undefined, { scopes: ['gateway', 'audit:read', 'gateway'] }, named, now)).toEqual({
    ...named, name: null, scopes: ['audit:read', 'gateway'], enabled: true, createdAt: now,
  })
})

test('what a change does not mention stays: a disabled client is not enabled by a change of its scopes', () => {
  const known = changeClient(undefined, { scopes: ['gateway'], enabled: false, name: 'CI' }, named, now)
  expect(changeClient(known, { scopes: [] }, named, instant(now + 5))).toEqual({ ...known, scopes: [] })
})

test('a scope nobody knows is refused, and said which', () => {
  try {
    changeClient(undefined, { scopes: ['gateway', 'everything'] }, named, now)
    throw new Error('accepted')
  } catch (error) {
    expect((error as Fault).details.errors).toEqual([{ pointer: '/scopes/1', message: 'is not a scope' }])
  }
})

const secret = (id: string, at: number) => ({ id, hash: id, createdAt: instant(at), expiresAt: null })

test('after a rotation both secrets work until the overlap ends', () => {
  const secrets = rotateSecret([secret('old', now - 1)], secret('new', now))
  expect(secrets.map(({ id, expiresAt }) => [id, expiresAt])).toEqual([['new', null], ['old', now + secretOverlapMs]])
  expect(secrets.filter((each) => isLive(each, instant(now + secretOverlapMs - 1)))).toHaveLength(2)
  expect(secrets.filter((each) => isLive(each, instant(now + secretOverlapMs)))).toHaveLength(1)
})

test('rotating twice ends the oldest at once', () => {
  const secrets = rotateSecret(rotateSecret([secret('leaked', now - 1)], secret('hasty', now)), secret('good', now + 1))
  expect(secrets.map(({ id }) => id)).toEqual(['good', 'hasty'])
})
