import { revocation as schema, type Revocation } from '@curfew/contracts'
import { listText, recordJson, recordText } from './parked/parked-text.js'
import { refusal } from './refusals.js'
import { isReached, outcomeText } from './revoke/revoke-outcome.js'

const url = 'http://127.0.0.1:8700/v1/revocations'

test('a problem is told by its code, what happened, which members, and what to do next', () => {
  const body = { type: 't', title: 'The request does not match its schema', status: 400, code: 'request.invalid', errors: [{ pointer: '/scope/id', message: 'is too long' }] }
  expect(refusal(url, { status: 400, body })).toBe('request.invalid: The request does not match its schema; /scope/id is too long')
  expect(refusal(url, { status: 403, body: { ...body, code: 'auth.scope', detail: 'the call needs revocations:write', errors: undefined } })).toBe('auth.scope: the call needs revocations:write (an administrator can give the client this scope)')
})

test('an OAuth error, and an answer of something else entirely', () => {
  expect(refusal(url, { status: 401, body: { error: 'invalid_client', error_description: 'no' } })).toMatch(/^invalid_client: no \(check CURFEW_CLIENT_ID/)
  expect(refusal(url, { status: 200, body: undefined })).toMatch(/answered 200 .* does CURFEW_URL name the control plane/)
})

const revoked: Revocation = schema.parse({
  id: '0197c0de-0000-7000-8000-000000000001', tenant: 'default', scope: { kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' }, except: ['s'], reason: { code: 'x' },
  initiator: { kind: 'client', id: 'admin' }, state: 'published', cutoff: '2026-11-23T20:15:04.123Z', decidedAt: '2026-11-23T20:15:04.123Z', links: { self: '/v1/revocations/0197' },
})

test('what was revoked is one line, and a wait that ran out says that the revocation stands', () => {
  expect(outcomeText(revoked, 'published')).toBe(`published: subject alice of https://curfew.test, everything begun up to 2026-11-23T20:15:04.123Z, sparing 1; revocation ${revoked.id}`)
  const accepted = { ...revoked, state: 'accepted' as const }
  expect([isReached(accepted, 'published'), isReached(accepted, 'accepted'), isReached(revoked, 'accepted')]).toEqual([false, true, true])
  expect(outcomeText(accepted, 'published')).toMatch(/not published in time\. It stands/)
})

const parked = {
  id: 'curfew.lifecycle.parked.v1/0/17', topic: 'curfew.lifecycle.parked.v1', partition: 0, offset: 17n, source: { topic: 'curfew.lifecycle.v1', partition: 3, offset: '42' },
  reason: 'event.invalid', detail: '/subject: is missing\u001b[2J', attempts: 1, at: '2026-11-23T20:15:04.123Z', by: 'curfew.lifecycle', key: 'k', bytes: 2, headers: { ce_id: '1' }, value: Buffer.from('{}'),
}

test('what a stranger sent cannot steer the terminal', () => {
  for (const text of [listText([parked]), recordText({ ...parked, value: Buffer.from('\u001b]0;owned\u0007'), headers: { 'x\u001b': '\u202e' } })]) expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

test('a value that is not text is printed as what it is', () => {
  expect(recordText(parked)).toMatch(/source: curfew\.lifecycle\.v1\/3\/42\nkey: k\nce_id: 1\n\n\{\}\n$/)
  expect(recordJson({ ...parked, value: Buffer.from([0xff, 0x00]) })).toMatchObject({ valueBase64: '/wA=', offset: '17' })
  expect(recordText({ ...parked, value: Buffer.from([0xff]) })).toMatch(/not text/)
  expect(recordText({ ...parked, value: null, bytes: 9_000_000 })).toMatch(/9000000 bytes, too large/)
  expect(listText([])).toBe('nothing is parked\n')
})
