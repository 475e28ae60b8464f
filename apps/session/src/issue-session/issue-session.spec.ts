import { Fault, sessionRequest, session as sessionSchema } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { defaultTenant, instant, toIso } from '@curfew/kernel'
import { accessTokenClaims, maxParents } from '@curfew/tokens'
import { presentSession, type InventoriedSession } from '../inventory/inventoried-session.js'
import { claimsOf, inheritedSelectors, sessionFacts } from '../inventory/session-claims.js'
import { isSessionId, sessionIdAt } from '../inventory/session-id.js'
import { issueSession } from './issue-session.js'

const now = instant(1_795_500_000_000)
const issuer = 'https://curfew.test'
const limits = { issuer, maxSessionAgeMs: 1_000_000, skewMs: 5_000 }
const terms = { issuer, audience: 'curfew', lifetimeSeconds: 300 }
let issued = 0
const idAt = () => sessionIdAt(now, Uint8Array.from({ length: 16 }, (_, n) => (n === 15 ? (issued += 1) : n)))
const issue = (request: object, parent?: InventoriedSession, at = now): InventoriedSession => issueSession({
  id: idAt(), tenant: defaultTenant, parent,
  request: sessionRequest.parse({ subject: { sub: 'alice' }, clientId: 'web', ...(parent && { parentSessionId: parent.id }), ...request }),
}, at, limits)
const codeOf = (action: () => unknown) => {
  try { action() } catch (error) { return error instanceof Fault ? error.code : error }
  return undefined
}
const revokedBy = (session: InventoriedSession, scope: Parameters<MapDenylist['apply']>[0]['scope'], cutoff: number | null = now): boolean => {
  const denylist = new MapDenylist()
  denylist.apply({ tenant: defaultTenant, scope, cutoff: cutoff === null ? null : instant(cutoff), except: [], forgetAfter: instant(now + 1e9) })
  return denylist.verdictOn(sessionFacts(session, issuer), now) === 'revoked'
}

test('a session begins with the authentication it rests on, and ends at the greatest age from there', () => {
  expect(issue({})).toMatchObject({ beganAt: now, authenticatedAt: now, expiresAt: now + 1_000_000, kind: 'person', ended: null })
  expect(issue({ authenticatedAt: toIso(instant(now - 7)) })).toMatchObject({ beganAt: now - 7, expiresAt: now - 7 + 1_000_000 })
})

test('a clock that runs a little ahead is taken for now, one that runs further is refused', () => {
  expect(issue({ authenticatedAt: toIso(instant(now + 5_000)) }).beganAt).toBe(now)
  expect(codeOf(() => issue({ authenticatedAt: toIso(instant(now + 5_001)) }))).toBe('session.authenticated_in_future')
})

test('an authentication as old as a session may become begins none', () => {
  expect(codeOf(() => issue({ authenticatedAt: toIso(instant(now - 1_000_000)) }))).toBe('session.too_old')
})

test('a derived session inherits the earliest authentication (I3) and a fresh one does not extend it', () => {
  const parent = issue({ authenticatedAt: toIso(instant(now - 10)) })
  expect(issue({ agentId: 'bot' }, parent)).toMatchObject({ beganAt: now - 10, authenticatedAt: now, expiresAt: parent.expiresAt, kind: 'agent', parentSessionId: parent.id })
  expect(issue({ authenticatedAt: toIso(instant(now - 20)) }, parent).beganAt).toBe(now - 20)
})

test('a parent that is unknown, ended or run out bears nothing', () => {
  const parent = issue({})
  const ended = { ...parent, ended: { at: now, reason: 'x', by: { kind: 'client' as const, id: 'c' }, revocationId: 'r' } }
  expect(codeOf(() => issue({ parentSessionId: parent.id }))).toBe('parent.unknown')
  expect(codeOf(() => issue({}, ended))).toBe('parent.unknown')
  expect(codeOf(() => issue({}, parent, parent.expiresAt))).toBe('parent.unknown')
})

test('every hop of every ancestor counts (I6)', () => {
  const person = issue({ device: { id: 'laptop' }, grantId: 'g1' })
  const agent = issue({ subject: { sub: 'svc' }, clientId: 'agents', agentId: 'planner' }, person)
  const worker = issue({ subject: { sub: 'svc2' }, clientId: 'workers', agentId: 'worker' }, agent)
  for (const scope of [
    { kind: 'session', id: person.id }, { kind: 'session', id: agent.id }, { kind: 'session', id: worker.id },
  ] as const) expect(revokedBy(worker, scope, null)).toBe(true)
  for (const scope of [
    { kind: 'subject', issuer, sub: 'alice' }, { kind: 'subject', issuer: '*', sub: 'svc' }, { kind: 'client', clientId: 'agents' }, { kind: 'device', deviceId: 'laptop' },
    { kind: 'agent', agentId: 'planner' }, { kind: 'grant', grantId: 'g1' }, { kind: 'tenant' },
  ] as const) expect([scope, revokedBy(worker, scope)]).toEqual([scope, true])
  expect(revokedBy(person, { kind: 'agent', agentId: 'planner' })).toBe(false)
})

test('a subject of another issuer is revoked by that name, with the sessions derived from it', () => {
  const foreign = issue({ subject: { issuer: 'https://idp.test', sub: 'alice' } })
  const child = issue({ subject: { sub: 'svc' }, agentId: 'bot' }, foreign)
  for (const each of [foreign, child]) expect(revokedBy(each, { kind: 'subject', issuer: 'https://idp.test', sub: 'alice' })).toBe(true)
  expect(revokedBy(child, { kind: 'subject', issuer: 'https://other.test', sub: 'alice' })).toBe(false)
})

test('two people called alice at two issuers are two: ending one spares the other, and the wildcard names both', () => {
  const ours = issue({ subject: { sub: 'alice' } })
  const theirs = issue({ subject: { issuer: 'https://idp.test', sub: 'alice' } })
  const ended = (scope: Parameters<typeof revokedBy>[1]) => [revokedBy(ours, scope), revokedBy(theirs, scope)]
  expect(ended({ kind: 'subject', issuer, sub: 'alice' })).toEqual([true, false])
  expect(ended({ kind: 'subject', issuer: 'https://idp.test', sub: 'alice' })).toEqual([false, true])
  expect(ended({ kind: 'subject', issuer: '*', sub: 'alice' })).toEqual([true, true])
})

test('only what its own columns cannot answer is kept as an inherited selector', () => {
  const parent = issue({})
  expect(inheritedSelectors(parent, issuer)).toEqual([])
  const inherited = inheritedSelectors(issue({ subject: { sub: 'svc' }, clientId: 'agents' }, parent), issuer)
  expect(inherited).toContain(JSON.stringify([defaultTenant, 'session', parent.id]))
  expect(inherited).toContain(JSON.stringify([defaultTenant, 'subject', '*', 'alice']))
  expect(inherited).not.toContain(JSON.stringify([defaultTenant, 'client', 'agents']))
})

test('a chain longer than a token carries is refused', () => {
  let session = issue({})
  for (let depth = 0; depth < maxParents; depth += 1) session = issue({}, session)
  expect(codeOf(() => issue({}, session))).toBe('parent.too_deep')
})

test('nobody is authenticated by every issuer', () => {
  expect(codeOf(() => issue({ subject: { issuer: '*', sub: 'alice' } }))).toBe('request.invalid')
})

test('its tokens carry claims a verifier takes, and never outlive the session', () => {
  const session = issue({ device: { id: 'd' }, authMethods: ['pwd', 'otp', 'pwd'], grantId: 'g', agentId: 'a', kind: 'agent' }, issue({}))
  const claims = accessTokenClaims.parse(claimsOf(session, terms, now, 'token-1'))
  expect(claims).toMatchObject({
    sub: 'alice', sid: session.id, client_id: 'web', kind: 'agent', began_at: now, auth_time: now / 1000, amr: ['pwd', 'otp'], device_id: 'd', grant_id: 'g', agent_id: 'a', tenant: 'default',
    iat: now / 1000, exp: now / 1000 + 300, hops: [{ sid: session.parentSessionId }],
  })
  expect(claimsOf(session, terms, instant(session.expiresAt - 1_000), 'token-2').exp * 1000).toBe(session.expiresAt)
})

test('a session that ran out is shown as ended, without anybody having ended it', () => {
  const session = issue({})
  expect(sessionSchema.parse(presentSession(session, now)).status).toBe('active')
  expect(presentSession(session, session.expiresAt)).toMatchObject({ status: 'ended', endedAt: toIso(session.expiresAt), reason: 'expired' })
})

test('ids sort by the instant their sessions were issued', () => {
  const random = new Uint8Array(16).fill(255)
  expect(sessionIdAt(now, random) < sessionIdAt(instant(now + 1), new Uint8Array(16))).toBe(true)
  expect(isSessionId(sessionIdAt(now, random))).toBe(true)
  expect(isSessionId(sessionIdAt(now, random).toUpperCase())).toBe(false)
})
