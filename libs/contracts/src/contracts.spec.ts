import {
  eventCatalogue, events, eventSpec, Fault, holdsScope, parkedTopicOf, problemDocument, problems, revocationRequest, sessionRequest, signalData, signalKindOf,
  signalSubmission, topicCatalogue, topics, watermarkRecord,
} from './index.js'

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) => schema.safeParse(value).success

test('every scope of the outer contract is accepted, wide ones with issuedBefore', () => {
  const issuedBefore = '2026-11-23T20:15:04.123Z'
  const scopes = [
    { kind: 'session', id: 's' }, { kind: 'token', jti: 'j' }, { kind: 'token', jti: 'j', issuer: 'https://idp.example' }, { kind: 'subject', sub: 'alice' },
    { kind: 'subject', issuer: '*', sub: 'alice', issuedBefore }, { kind: 'client', clientId: 'web', issuedBefore }, { kind: 'device', deviceId: 'd', issuedBefore },
    { kind: 'agent', agentId: 'a', issuedBefore }, { kind: 'grant', grantId: 'g', issuedBefore }, { kind: 'tenant', issuedBefore }, { kind: 'key', kid: 'k' },
  ]
  for (const scope of scopes) expect([scope, accepts(revocationRequest, { scope })]).toEqual([scope, true])
})

test.each([
  ['an unknown kind', { kind: 'planet', id: 'earth' }],
  ['an empty subject', { kind: 'subject', sub: '' }],
  ['a cutoff on an absolute scope', { kind: 'session', id: 's', issuedBefore: '2026-11-23T20:15:04Z' }],
  ['an unknown member', { kind: 'tenant', everything: true }],
  ['a control character in a name', { kind: 'subject', sub: 'ali\u0000ce' }],
  ['a lone surrogate', { kind: 'subject', sub: '\ud800' }],
  ['a date that is no instant', { kind: 'tenant', issuedBefore: 'tomorrow' }],
])('%s is refused', (_what, scope) => {
  expect(accepts(revocationRequest, { scope })).toBe(false)
})

test('a session request needs a subject and a client, and takes nothing it does not know', () => {
  const minimal = { subject: { sub: 'alice' }, clientId: 'web' }
  expect(accepts(sessionRequest, minimal)).toBe(true)
  expect(accepts(sessionRequest, { ...minimal, admin: true })).toBe(false)
  expect(accepts(sessionRequest, { clientId: 'web' })).toBe(false)
  expect(accepts(sessionRequest, { ...minimal, ipAddress: '999.1.1.1' })).toBe(false)
})

test('lifecycle types name a known kind or a custom one, and nothing else', () => {
  expect(signalKindOf('curfew.lifecycle.password_reset')).toBe('password_reset')
  expect(signalKindOf('curfew.lifecycle.custom.badge_lost')).toBe('custom.badge_lost')
  for (const type of ['curfew.lifecycle.', 'curfew.lifecycle.unheard_of', 'password_reset', 'curfew.lifecycle.custom.']) expect(signalKindOf(type)).toBeUndefined()
})

test('extension attributes of a structured CloudEvent are ignored, its data is strict', () => {
  const event = { specversion: '1.0', id: '1', source: 'hr', type: 'curfew.lifecycle.offboarded', myextension: 'x', data: { subject: { sub: 'a' }, occurredAt: '2026-01-01T00:00:00Z' } }
  expect(accepts(signalSubmission, event)).toBe(true)
  expect(accepts(signalSubmission, [event])).toBe(true)
  expect(accepts(signalSubmission, { ...event, data: { ...event.data, extra: 1 } })).toBe(false)
  expect(accepts(signalSubmission, [])).toBe(false)
})

test('a signal\'s details may nest, but not so deep that reading them exhausts a stack', () => {
  let nested: unknown = 'core'
  for (let depth = 0; depth < 200_000; depth += 1) nested = [nested]
  const data = (details: object) => ({ subject: { sub: 'alice' }, occurredAt: '2026-11-23T20:15:04Z', details })
  expect(accepts(signalData, data({ a: { b: [{ c: 1 }] } }))).toBe(true)
  expect(accepts(signalData, data({ nested }))).toBe(false)
})

test('every topic has a parked twin, keeps by time and is never compacted', () => {
  for (const spec of Object.values(topics)) {
    expect(topicCatalogue.map((one) => one.name)).toContain(parkedTopicOf(spec.name))
    expect(spec.cleanup).toBe('delete')
  }
  expect(parkedTopicOf('curfew.lifecycle.v1')).toBe('curfew.lifecycle.parked.v1')
})

test('the revocations topic keeps records longer than the longest session a gateway accepts', () => {
  const thirtyDays = 30 * 86_400_000
  expect(topics.revocations.retentionMs).toBeGreaterThan(thirtyDays)
})

test('an event type is known only on its own topic', () => {
  for (const spec of eventCatalogue.filter((one) => one !== events.signal)) {
    expect(eventSpec(spec.topic.name, spec.type)).toBe(spec)
    expect(eventSpec(topics.audit.name, spec.type)).toBeUndefined()
  }
})

test('a watermark names how many partitions make it complete', () => {
  expect(accepts(watermarkRecord, { at: '2026-01-01T00:00:00.000Z', partitions: 3 })).toBe(true)
  expect(accepts(watermarkRecord, { at: '2026-01-01T00:00:00.000Z', partitions: 0 })).toBe(false)
})

test('a fault becomes a problem document that never shows its cause', () => {
  const fault = new Fault('session.unknown', { detail: 'no session 7' }, { cause: new Error('select failed: password=hunter2') })
  const document = problemDocument(fault, 'urn:uuid:1')
  expect(document).toEqual({ type: 'https://curfew.dev/problems/session.unknown', title: 'Session unknown', status: 404, code: 'session.unknown', detail: 'no session 7', instance: 'urn:uuid:1' })
  expect(JSON.stringify(document)).not.toContain('hunter2')
})

test('every problem has an HTTP error status and a constant title', () => {
  for (const [code, spec] of Object.entries(problems)) {
    expect([code, spec.status >= 400 && spec.status < 600, spec.title.length > 0]).toEqual([code, true, true])
  }
})

test('admin holds every scope; nothing else is implied', () => {
  expect(holdsScope(['admin'], 'audit:read')).toBe(true)
  expect(holdsScope(['revocations:write'], 'revocations:write:wide')).toBe(false)
  expect(holdsScope([], 'gateway')).toBe(false)
})
