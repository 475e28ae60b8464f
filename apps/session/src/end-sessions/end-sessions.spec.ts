import type { DecidedScope, RevocationRecord } from '@curfew/contracts'
import { MapDenylist, selectorOf, selectorsOf, type Entry } from '@curfew/denylist'
import { defaultTenant, instant, toIso } from '@curfew/kernel'
import fc from 'fast-check'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { hopsBelow, lineageOf, sessionFacts } from '../inventory/session-claims.js'
import { endsSessions, entryOfRecord, isEndedBy, mergedEntry } from './end-sessions.js'

const now = instant(1_795_500_000_000)
const issuer = 'https://curfew.test'
const revocation = (scope: DecidedScope, cutoff: number | null, except: string[] = []): RevocationRecord => ({
  id: '0197c0de-0000-7000-8000-000000000001', tenant: defaultTenant, scope, cutoff: cutoff === null ? null : toIso(instant(cutoff)), except,
  decidedAt: toIso(now), forgetAfter: toIso(instant(now + 1e9)), reason: { code: 'test' }, initiator: { kind: 'client', id: 'c' },
})
const alice = { kind: 'subject', issuer, sub: 'alice' } as const
const merged = (...records: RevocationRecord[]): Entry =>
  records.reduce<Entry | undefined>((known, record) => mergedEntry(known, entryOfRecord(record)).entry, undefined) as Entry
const row = (id: string, beganAt: number, ...parents: string[]) => ({ id, lineage: [id, ...parents], beganAt: instant(beganAt) })

test('whatever began at or before the cutoff is ended, what began after it is not', () => {
  const entry = merged(revocation(alice, now))
  expect(isEndedBy(entry, row('a', now))).toBe(true)
  expect(isEndedBy(entry, row('b', now + 1))).toBe(false)
})

test('a spared session goes on, and so does one derived from it', () => {
  const entry = merged(revocation(alice, now, ['a']))
  expect(isEndedBy(entry, row('a', now))).toBe(false)
  expect(isEndedBy(entry, row('child', now, 'a'))).toBe(false)
  expect(isEndedBy(entry, row('b', now))).toBe(true)
})

test('a later revocation that spares nobody ends the one an earlier one spared, in whichever order they arrive', () => {
  const earlier = revocation(alice, now - 10, ['a'])
  const later = revocation(alice, now)
  for (const entry of [merged(earlier, later), merged(later, earlier)]) expect(isEndedBy(entry, row('a', now - 20))).toBe(true)
})

test('a repeated or older revocation says nothing new', () => {
  const known = merged(revocation(alice, now))
  expect(mergedEntry(known, entryOfRecord(revocation(alice, now))).isNew).toBe(false)
  expect(mergedEntry(known, entryOfRecord(revocation(alice, now - 1, ['x']))).isNew).toBe(false)
  expect(mergedEntry(known, entryOfRecord(revocation(alice, now + 1, ['x']))).isNew).toBe(true)
  expect(mergedEntry(undefined, entryOfRecord(revocation(alice, now))).isNew).toBe(true)
})

test('tokens and keys end no session', () => {
  expect(endsSessions({ kind: 'token', jti: 'j', issuer })).toBe(false)
  expect(endsSessions({ kind: 'key', kid: 'k', issuer })).toBe(false)
  expect(endsSessions(alice)).toBe(true)
})

const base: InventoriedSession = {
  id: 's0', tenant: defaultTenant, kind: 'person', subject: { issuer, sub: 'alice' }, clientId: 'web', device: null, userAgent: null, ipAddress: null, authMethods: [],
  agentId: null, grantId: null, parentSessionId: null, hops: [], beganAt: now, authenticatedAt: now, lastActiveAt: now, expiresAt: instant(now + 1e6), ended: null,
}
const few = (name: string) => fc.constantFrom(`${name}1`, `${name}2`)
const subjectIssuers = [issuer, 'https://idp.test'] as const
const link = fc.record({
  from: fc.constantFrom(...subjectIssuers), sub: few('sub'), clientId: few('client'), deviceId: fc.option(few('device')), agentId: fc.option(few('agent')),
  at: fc.integer({ min: 0, max: 9 }),
})
const sessionChain = fc.array(link, { minLength: 1, maxLength: 3 })
  .map((links) => links.reduce<InventoriedSession[]>((chain, { from, sub, clientId, deviceId, agentId, at }, n) => {
    const parent = chain.at(-1)
    return [...chain, {
      ...base, id: `s${n}`, subject: { issuer: from, sub }, clientId, device: deviceId === null ? null : { id: deviceId }, agentId, parentSessionId: parent?.id ?? null,
      hops: parent === undefined ? [] : hopsBelow(parent), beganAt: instant(Math.min(now + at, parent?.beganAt ?? now + at)),
    }]
  }, []))
const anyRevocation = fc.record({
  scope: fc.oneof(fc.tuple(fc.constantFrom(...subjectIssuers, '*'), few('sub')).map(([from, sub]) => ({ kind: 'subject', issuer: from, sub }) as const),
    few('client').map((clientId) => ({ kind: 'client', clientId }) as const), few('device').map((deviceId) => ({ kind: 'device', deviceId }) as const),
    few('agent').map((agentId) => ({ kind: 'agent', agentId }) as const), fc.constant({ kind: 'tenant' } as const),
    fc.constantFrom('s0', 's1', 's2').map((id) => ({ kind: 'session', id }) as const)),
  at: fc.integer({ min: 0, max: 9 }), except: fc.uniqueArray(fc.constantFrom('s0', 's1', 's2'), { maxLength: 2 }),
}).map(({ scope, at, except }) => (scope.kind === 'session' ? revocation(scope, null) : revocation(scope, now + at, except)))

test('the inventory ends exactly the sessions whose tokens every gateway refuses, whatever the order of arrival', () => {
  fc.assert(fc.property(sessionChain, fc.array(anyRevocation, { maxLength: 5 }), (chain, records) => {
    const gateway = new MapDenylist()
    const known = new Map<string, Entry>()
    const ended = new Set<string>()
    for (const record of records) {
      const { tenant, scope, cutoff, except, forgetAfter } = { ...record, tenant: defaultTenant }
      gateway.apply({ tenant, scope, cutoff: cutoff === null ? null : instant(Date.parse(cutoff)), except, forgetAfter: instant(Date.parse(forgetAfter)) })
      const selector = selectorOf(tenant, scope)
      const { entry } = mergedEntry(known.get(selector), entryOfRecord(record))
      known.set(selector, entry)
      for (const each of chain) {
        const named = selectorsOf(sessionFacts(each, issuer)).includes(selector)
        if (named && isEndedBy(entry, { id: each.id, lineage: lineageOf(each), beganAt: each.beganAt })) ended.add(each.id)
      }
    }
    for (const each of chain) expect([each.id, ended.has(each.id)]).toEqual([each.id, gateway.verdictOn(sessionFacts(each, issuer), now) === 'revoked'])
  }), { numRuns: 500 })
})
