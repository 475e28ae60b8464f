import type { ReceivedEvent } from '@curfew/bus'
import { eventCatalogue, events, Fault, type EventSpec } from '@curfew/contracts'
import { instant, tenantId, toIso } from '@curfew/kernel'
import { isKept, recordEvent } from './record-event.js'

const now = instant(1_795_500_000_000)
const before = toIso(instant(now - 60_000))
const acme = tenantId('acme')
const sid = '0198c1f2-7d1c-7a10-9f3e-2b6a4c5d6e7f'
const id = '0198c1f2-0000-7a10-9f3e-000000000001'
const alice = { issuer: 'https://idp.test', sub: 'alice' }
const operator = { kind: 'person', id: 'helpdesk' } as const
const hashOf = (tenant: string, sessionId: string): string => `hash(${tenant},${sessionId.length})`

const eventOf = (spec: EventSpec, data: unknown, over: Partial<ReceivedEvent> = {}): ReceivedEvent => ({
  id: 'e1', source: 'urn:test', type: spec.type, tenant: acme, spec, data: spec.schema.parse(data),
  record: { topic: spec.topic.name, partition: 2, offset: 7n, key: null, value: null, headers: {}, timestamp: now - 1_000 }, ...over,
})
const record = (spec: EventSpec, data: unknown, over: Partial<ReceivedEvent> = {}) =>
  recordEvent(eventOf(spec, data, over), { recordedAt: now, defaultIssuer: 'https://curfew.test', hashOf })

const signal = (details: object, kind = 'password_reset') =>
  record(events.signal, { subject: { sub: 'alice' }, occurredAt: before, initiator: 'bob@hr', details }, { type: `curfew.lifecycle.${kind}`, source: 'https://hr.test' })
const decided = (over: object = {}) => record(events.revocationDecided, {
  id, tenant: 'acme', scope: { kind: 'subject', ...alice }, cutoff: before, except: [], decidedAt: before, forgetAfter: before,
  reason: { code: 'password_reset', text: 'ticket 4711' }, initiator: operator, ...over,
})
const command = (over: object = {}) => record(events.revocationRequested, { id, scope: { kind: 'subject', sub: 'alice' }, initiator: operator, ...over })

test('a decision says who ended what, when and why', () => {
  expect(decided({ cause: { kind: 'signal', source: 'https://hr.test', id: 'case-9' } })).toMatchObject({
    kind: 'curfew.revocation.decided', tenant: 'acme', time: now - 60_000, recordedAt: now, outcome: 'success', actor: operator, subject: alice,
    sessionHash: null, revocationId: id, reason: 'password_reset: ticket 4711', data: { cause: { id: 'case-9' } },
    source: { topic: 'curfew.revocations.v1', partition: 2, offset: 7n, eventId: 'e1', eventSource: 'urn:test' },
  })
})

test('a request resolves the default issuer and takes the sender\'s time, else the log\'s', () => {
  expect(command()).toMatchObject({ actor: operator, subject: { issuer: 'https://curfew.test', sub: 'alice' }, revocationId: id, reason: null, time: now - 1_000 })
  expect(record(events.revocationRequested, { id, scope: { kind: 'tenant' }, initiator: operator }, { time: instant(5) }).time).toBe(5)
})

test('a signal is told by its source; whom it names as the doer stays its claim, and is found by search', () => {
  const row = signal({ ticket: 'HR-12' })
  expect(row).toMatchObject({
    kind: 'curfew.lifecycle.password_reset', actor: { kind: 'signal', id: 'https://hr.test' }, subject: { issuer: 'https://curfew.test', sub: 'alice' },
    reason: 'password_reset', time: now - 60_000, data: { initiator: 'bob@hr' },
  })
  expect(row.words).toEqual(expect.arrayContaining(['alice', 'bob', 'hr', '12', 'password', 'reset']))
})

test('sessions are told by hash from beginning to end', () => {
  const began = record(events.sessionStarted, {
    tenant: 'acme', sessionHash: 'h1', parentHash: null, subject: alice, clientId: 'web', kind: 'person', deviceId: 'laptop', agentId: null, grantId: null,
    beganAt: before, expiresAt: before, initiator: { kind: 'client', id: 'login' },
  })
  expect(began).toMatchObject({ actor: { kind: 'client', id: 'login' }, subject: alice, sessionHash: 'h1', words: expect.arrayContaining(['web', 'laptop']) })
  const over = record(events.sessionEnded, { tenant: 'acme', sessionHash: 'h1', subject: alice, endedAt: before, reason: 'revoked', revocationId: id })
  expect(over).toMatchObject({ actor: null, sessionHash: 'h1', revocationId: id, reason: 'revoked' })
})

test('agents held, subjects changed, gateways that obeyed', () => {
  const held = { tenant: 'acme', agentId: 'a7', version: 1, quarantined: true, forgetAfter: before, initiator: operator, reason: { code: 'odd' } }
  expect(record(events.quarantineChanged, held)).toMatchObject({ actor: operator, reason: 'odd', words: expect.arrayContaining(['a7', 'quarantined']) })
  expect(record(events.quarantineRequested, { id, agentId: 'a7', quarantined: false, initiator: operator })).toMatchObject({ words: expect.arrayContaining(['released']) })
  expect(record(events.subjectChanged, { tenant: 'acme', subject: alice, status: 'disabled', version: 2, at: before })).toMatchObject({ subject: alice, reason: 'disabled' })
  const report = { gatewayId: 'g1', topicId: 't', positions: ['1', '2'], watermark: before, stalenessMs: 12, entries: 3 }
  expect(record(events.enforcementApplied, report)).toMatchObject({ actor: { kind: 'gateway', id: 'g1' }, data: { positions: ['1', '2'] } })
})

test('watermarks, and they alone, are not kept', () => {
  expect(eventCatalogue.filter((spec) => !isKept({ spec }))).toEqual([events.watermarkAdvanced])
})

test('an event that no account is written for is refused, never recorded as something else', () => {
  expect(() => record({ ...events.subjectChanged }, { tenant: 'acme', subject: alice, status: 'disabled', version: 2, at: before }))
    .toThrow(expect.objectContaining({ code: 'event.type_unknown', constructor: Fault }))
})

test.each([
  ['the scope of a decision', () => decided({ scope: { kind: 'session', id: sid }, cutoff: null, reason: { code: 'stolen', text: `session ${sid} was stolen` } })],
  ['the scope of a request', () => command({ scope: { kind: 'session', id: sid }, reason: { code: sid } })],
  ['a session that is spared', () => decided({ except: [sid] })],
  ['a session that a request spares', () => command({ except: [sid, 'other'] })],
  ['activity', () => record(events.activityObserved, { tenant: 'acme', sessionId: sid, lastActiveAt: before, requests: 3 })],
  ['activity whose event id is made of it', () => record(events.activityObserved, { tenant: 'acme', sessionId: sid, lastActiveAt: before, requests: 3 }, { id: `${sid}:1` })],
  ['a signed-out session', () => signal({ sessionId: sid }, 'sign_out')],
  ['the session that a signal spares', () => signal({ currentSessionId: sid }, 'mfa_changed')],
  ['a detail of the sender\'s own making', () => signal({ context: { active_session_ids: [sid], note: `was in ${sid}` } })],
  ['a session told as an object', () => signal({ session: { id: sid }, comment: sid })],
])('no plain session id is left of %s (I12)', (_, of) => {
  const row = of()
  const text = JSON.stringify(row, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  expect(text).not.toContain(sid)
  expect(text).toContain('hash(acme,36)')
  // The words are searched by, so no part of an id may be one.
  expect(row.words).not.toContain('0198c1f2')
})

test('a session scope is found by its hash; what is spared is counted, and the first of it named', () => {
  expect(decided({ scope: { kind: 'session', id: sid }, cutoff: null })).toMatchObject({ sessionHash: 'hash(acme,36)', data: { scope: { kind: 'session', sessionHash: 'hash(acme,36)' } } })
  const spared = Array.from({ length: 5_000 }, (_, at) => `${sid}-${at}`)
  const row = decided({ except: spared })
  expect(row.data).toMatchObject({ spared: 5_000 })
  expect((row.data as { sparedHashes: string[] }).sparedHashes).toHaveLength(100)
})

test('the trail believes no instant after it heard of it, nor one before there were clocks', () => {
  expect(decided({ decidedAt: '9999-12-31T23:59:59Z' }).time).toBe(now)
  expect(decided({ decidedAt: '0000-01-01T00:00:00Z' }).time).toBe(0)
})

test('one event is one row, whoever delivers it; another tenant, topic, source or id is another', () => {
  const watch = { tenant: 'acme', subject: alice, status: 'disabled', version: 2, at: before }
  const row = (over: Partial<ReceivedEvent> = {}) => record(events.subjectChanged, { ...watch, tenant: over.tenant ?? 'acme' }, over)
  const moved = { topic: 'curfew.subjects.v1', partition: 5, offset: 99n, key: 'k', value: null, headers: {}, timestamp: 1 }
  expect(row({ record: moved }).id).toBe(row().id)
  const others = [row(), row({ id: 'e2' }), row({ source: 'urn:other' }), row({ tenant: tenantId('beta') }), row({ record: { ...moved, topic: 'x' } })]
  expect(new Set(others.map((one) => one.id)).size).toBe(others.length)
})

test('a repeat has the same content, and another event under the same id has not', () => {
  expect(decided().contentHash).toBe(decided().contentHash)
  expect(decided({ reason: { code: 'other' } }).contentHash).not.toBe(decided().contentHash)
})

test('an event that names two tenants belongs in neither trail', () => {
  expect(() => decided({ tenant: 'beta' })).toThrow(expect.objectContaining({ code: 'event.invalid' }))
})
