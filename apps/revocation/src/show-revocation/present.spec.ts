import { revocation, type RevocationRecord } from '@curfew/contracts'
import { instant } from '@curfew/kernel'
import { present } from './present.js'

const record: RevocationRecord = {
  id: '0197c0de-0000-7000-8000-000000000001', tenant: 'default', scope: { kind: 'key', kid: 'k', issuer: 'https://idp.test' }, cutoff: null, except: [],
  decidedAt: '2026-11-24T08:00:00.000Z', forgetAfter: '2026-12-24T08:00:00.000Z', reason: { code: 'key_compromise' }, initiator: { kind: 'client', id: 'ops' }, everyTenant: true,
}

test('what is committed is accepted, and published only with an acknowledgement', () => {
  expect(present({ record })).toMatchObject({ state: 'accepted', links: { self: `/v1/revocations/${record.id}` }, everyTenant: true })
  expect(present({ record })).not.toHaveProperty('publishedAt')
  expect(present({ record, publishedAt: instant(1_795_500_000_000) })).toMatchObject({ state: 'published', publishedAt: '2026-11-24T06:00:00.000Z' })
})

test('it is what the contract says, and keeps to itself when gateways may forget', () => {
  expect(revocation.parse(present({ record }))).toEqual(present({ record }))
  expect(present({ record })).not.toHaveProperty('forgetAfter')
})
