import { Fault, revocationCommand, signalKinds, type SignalData, type SignalKind } from '@curfew/contracts'
import { instant, tenantId, toIso } from '@curfew/kernel'
import { receiveSignal, refusalOf, revocationIdOf, signalRowId, type IncomingSignal } from './receive-signal.js'

const now = instant(1_795_500_000_000)
const acme = tenantId('acme')
const incoming = (kind: SignalKind, details?: SignalData['details'], over: Partial<IncomingSignal> = {}): IncomingSignal => ({
  tenant: acme, source: 'https://idp.test', signalId: 'e1', kind, verbatim: '{}',
  data: { subject: { sub: 'alice' }, occurredAt: toIso(instant(now - 60_000)), ...(details === undefined ? {} : { details }) }, ...over,
})
const decide = (signal: IncomingSignal, at = now) => receiveSignal(signal, 'https://curfew.test', at, 5_000)

test('an omitted issuer is the default one, in what is kept and in what is asked for', () => {
  const { signal, commands } = decide(incoming('offboarded'))
  expect(signal.subject).toEqual({ issuer: 'https://curfew.test', sub: 'alice' })
  expect(commands[0]?.scope).toEqual({ kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' })
})

test('the command says who asked and why', () => {
  expect(decide(incoming('mfa_changed', { currentSessionId: 's1' })).commands[0]).toMatchObject({
    except: ['s1'], reason: { code: 'mfa_changed' }, initiator: { kind: 'signal', id: 'https://idp.test' },
    cause: { kind: 'signal', source: 'https://idp.test', id: 'e1' },
  })
})

test('every command of every kind is one the revocation service accepts', () => {
  for (const kind of signalKinds) {
    const { commands, signal } = decide(incoming(kind, { deviceId: 'd', agentId: 'a', grantId: 'g' }))
    expect([kind, signal.state, commands.map((command) => revocationCommand.safeParse(command).success)]).toEqual([kind, 'applied', [true]])
    expect(signal.revocationIds).toEqual(commands.map(({ id }) => id))
  }
})

test('a replay, however late, asks for the same revocation', () => {
  const [first, again] = [decide(incoming('password_reset')), decide(incoming('password_reset'), instant(now + 86_400_000))]
  expect(again.commands[0]?.id).toBe(first.commands[0]?.id)
  expect([again.signal.id, again.signal.contentHash]).toEqual([first.signal.id, first.signal.contentHash])
})

test('tenant, source, id and ending all tell revocations apart, whatever the names hold', () => {
  const ids = [
    revocationIdOf(acme, 'a', 'b', 0), revocationIdOf(acme, 'a', 'b', 1), revocationIdOf(tenantId('other'), 'a', 'b', 0),
    revocationIdOf(acme, 'a","b', '', 0), revocationIdOf(acme, 'a', '","b', 0), signalRowId(acme, 'a', 'b'),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

test('content is what is said: the order of members does not matter, every value does', () => {
  const hash = (data: object, kind: SignalKind = 'risk_raised') =>
    decide(incoming(kind, undefined, { data: { subject: { sub: 'alice' }, occurredAt: toIso(now), ...data } })).signal.contentHash
  expect(hash({ details: { a: 1, b: { c: 2, d: 3 } } })).toBe(hash({ details: { b: { d: 3, c: 2 }, a: 1 } }))
  expect(hash({ details: { a: 1 } })).not.toBe(hash({ details: { a: 2 } }))
  expect(hash({ subject: { sub: 'bob' } })).not.toBe(hash({}))
  expect(hash({}, 'role_changed')).not.toBe(hash({}))
})

test('a custom kind is kept, ends nothing and says so', () => {
  const { signal, commands } = decide(incoming('custom.badge_lost'))
  expect([signal.state, commands, signal.revocationIds]).toEqual(['ignored', [], []])
  expect(signal.note).toContain('custom kind')
})

test('a sender whose clock runs ahead is believed up to now, and the note says so', () => {
  const ahead = incoming('password_reset', undefined, { data: { subject: { sub: 'alice' }, occurredAt: toIso(instant(now + 3_600_000)) } })
  const { signal, commands } = decide(ahead)
  expect(commands[0]?.scope).toMatchObject({ issuedBefore: toIso(now) })
  expect(signal.note).toContain('3600000 ms ahead')
  expect(decide(incoming('password_reset')).signal.note).toBeNull()
})

test('a batch names every signal that stands in its way, in order; a single one says why itself', () => {
  const incomplete = new Fault('signal.incomplete', { detail: 'device_lost needs details.deviceId' })
  expect(refusalOf([{ at: 0, fault: incomplete }], 1)).toBe(incomplete)
  const refusal = refusalOf([{ at: 7, fault: new Fault('signal.mismatch') }, { at: 2, fault: incomplete }], 9)
  expect(refusal.code).toBe('signal.incomplete')
  expect(refusal.details.errors?.map(({ pointer }) => pointer)).toEqual(['/2', '/7'])
})
