import { Fault, requestedScope, signalKinds, type SignalData, type SignalKind } from '@curfew/contracts'
import { instant, toIso } from '@curfew/kernel'
import { applyPolicy } from './apply-policy.js'

const now = instant(1_795_500_000_000)
const skewMs = 5_000
const signal = (details?: SignalData['details'], occurredAt = now - 60_000): SignalData =>
  ({ subject: { issuer: 'https://idp.test', sub: 'alice' }, occurredAt: toIso(instant(occurredAt)), ...(details === undefined ? {} : { details }) })
const decide = (kind: SignalKind, data = signal()) => applyPolicy(kind, data, now, skewMs)
const alice = { kind: 'subject', issuer: 'https://idp.test', sub: 'alice' }

test('a password reset ends what began before it, by the sender\'s clock plus skew', () => {
  expect(decide('password_reset')).toEqual([{ scope: { ...alice, issuedBefore: toIso(instant(now - 55_000)) }, except: [], reason: 'password_reset' }])
})

test('skew never reaches past the decision, so whoever signs in after it is not locked out (I4)', () => {
  expect(decide('password_reset', signal(undefined, now - 1))[0]?.scope).toMatchObject({ issuedBefore: toIso(now) })
  expect(decide('password_reset', signal(undefined, now + 3_600_000))[0]?.scope).toMatchObject({ issuedBefore: toIso(now) })
})

test('an absurd instant of the sender makes a cutoff that every reader can spell', () => {
  const absurd = (occurredAt: string) => decide('password_reset', { ...signal(), occurredAt })[0]?.scope
  expect(absurd('0000-01-01T00:00:00+01:00')).toMatchObject({ issuedBefore: '1970-01-01T00:00:00.000Z' })
  expect(absurd('9999-12-31T23:59:59-23:00')).toMatchObject({ issuedBefore: toIso(now) })
})

test.each(['account_disabled', 'account_deleted', 'sso_deactivated', 'offboarded'] as const)('%s ends everything there is now', (kind) => {
  expect(decide(kind)).toEqual([{ scope: alice, except: [], reason: kind }])
})

test('a changed second factor spares the session that changed it', () => {
  expect(decide('mfa_changed', signal({ currentSessionId: 's1' }))[0]?.except).toEqual(['s1'])
  expect(decide('mfa_changed')[0]?.except).toEqual([])
})

test.each([
  ['device_lost', 'deviceId', { kind: 'device', deviceId: 'x' }], ['device_noncompliant', 'deviceId', { kind: 'device', deviceId: 'x' }],
  ['agent_disabled', 'agentId', { kind: 'agent', agentId: 'x' }], ['integration_disconnected', 'grantId', { kind: 'grant', grantId: 'x' }],
] as const)('%s ends what details.%s names, and is refused without it', (kind, detail, scope) => {
  expect(decide(kind, signal({ [detail]: 'x' }))[0]?.scope).toEqual(scope)
  for (const bad of [undefined, {}, { [detail]: '' }, { [detail]: 7 }, { [detail]: 'x'.repeat(257) }]) {
    expect(() => decide(kind, signal(bad))).toThrow(expect.objectContaining({ code: 'signal.incomplete', constructor: Fault }))
  }
})

test('a sign-out ends the one session it names, else all of the subject', () => {
  expect(decide('sign_out', signal({ sessionId: 's1' }))[0]?.scope).toEqual({ kind: 'session', id: 's1' })
  expect(decide('sign_out')[0]?.scope).toMatchObject(alice)
})

test('a custom kind ends nothing, and every built-in kind ends something the revocation service accepts', () => {
  expect(decide('custom.badge_lost')).toEqual([])
  const complete = signal({ deviceId: 'd', agentId: 'a', grantId: 'g' })
  for (const kind of signalKinds) {
    const endings = decide(kind, complete)
    expect([kind, endings.length]).toEqual([kind, 1])
    expect(requestedScope.safeParse(endings[0]?.scope).success).toBe(true)
  }
})
