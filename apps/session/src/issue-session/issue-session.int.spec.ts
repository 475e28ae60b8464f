import { issuedSession, session, type Session } from '@curfew/contracts'
import { createTokenVerifier, isRefused, jwksKeySource, type Verified } from '@curfew/tokens'
import { systemClock, toIso, instant } from '@curfew/kernel'
import { until } from '@curfew/testing'
import type { JSONWebKeySet } from 'jose'
import { startSession, type SessionService } from '../session-service.contract.js'

let service: SessionService
beforeAll(async () => { service = await startSession() })
afterAll(() => service.close())
afterEach(() => { service.feed.verdict = () => 'allowed' })

const laptop = { id: 'laptop-1', name: 'Alice\'s laptop' }
const started = (sub: string) => service.bus.published.filter(({ headers, value }) => headers.ce_type === 'curfew.session.started' && (value as Buffer).includes(`"sub":"${sub}"`))

/** As a gateway verifies: by the published keys alone. */
async function verified(accessToken: string): Promise<Verified> {
  const { issuer, audience } = service.platform
  const keys = jwksKeySource(async () => (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet, { cooldownMs: 0, maxAgeMs: 60_000, clock: systemClock })
  const outcome = await createTokenVerifier({
    issuers: [{ issuer, audience, keys, tenants: 'every' }], algorithms: ['ES256'], clock: systemClock, leewaySeconds: 5, maxTokenAgeMs: 3_600_000, maxSessionAgeMs: 2_592_000_000,
  }).verify(accessToken)
  if (isRefused(outcome)) throw new Error(outcome.detail)
  return outcome
}

test('a session is issued with an access token that the published keys verify, and a refresh token', async () => {
  const before = Date.now() - 1_000
  const { status, body, headers } = await service.issue({
    subject: { sub: 'first' }, device: laptop, userAgent: 'Firefox', ipAddress: '2001:DB8::0:1', authMethods: ['pwd', 'otp'], grantId: 'g1',
  })
  expect(status).toBe(201)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(issuedSession.parse(body)).toMatchObject({ tokenType: 'Bearer', expiresIn: 300, session: {
    tenant: 'default', kind: 'person', subject: { issuer: service.platform.issuer, sub: 'first' }, clientId: 'web', device: laptop, userAgent: 'Firefox',
    ipAddress: '2001:db8::1', authMethods: ['pwd', 'otp'], agentId: null, grantId: 'g1', parentSessionId: null, status: 'active',
  } })
  const { claims } = await verified(body.accessToken)
  expect(claims).toMatchObject({ sid: body.session.id, sub: 'first', client_id: 'web', tenant: 'default', kind: 'person', device_id: 'laptop-1', grant_id: 'g1', amr: ['pwd', 'otp'] })
  expect(claims.began_at).toBe(Date.parse(body.session.beganAt))
  expect(claims.began_at).toBeGreaterThan(before)
  expect(claims.scope).toBeUndefined()
  expect(await service.show(body.session.id)).toEqual(body.session)
  const found = await service.call<{ items: Session[] }>('GET', '/v1/sessions?ipAddress=2001:db8:0:0::1')
  expect(found.body.items).toEqual([body.session])
})

test('a started session is told of once, by keyed hashes', async () => {
  const { body } = await service.issue({ subject: { sub: 'told' } })
  await until(() => started('told').length > 0, { timeoutMs: 5_000, what: 'the event' })
  const [event, ...more] = started('told')
  expect(more).toEqual([])
  expect(event).toMatchObject({ topic: 'curfew.sessions.v1', key: JSON.stringify(['default', service.platform.issuer, 'told']), headers: { ce_tenant: 'default', ce_source: 'urn:curfew:session' } })
  expect(JSON.parse(String(event?.value))).toMatchObject({ sessionHash: service.platform.secrets.sessionHash('default', body.session.id), initiator: { kind: 'client', id: 'ops' } })
})

test('an authentication from another clock: in the future it is refused, a little ahead it is now', async () => {
  const ahead = (ms: number) => toIso(instant(Date.now() + ms))
  expect(await service.issue({ authenticatedAt: ahead(60_000) })).toMatchObject({ status: 422, body: { code: 'session.authenticated_in_future' } })
  const { body } = await service.issue({ authenticatedAt: ahead(3_000) })
  expect(Date.parse(body.session.beganAt)).toBeLessThan(Date.now() + 1_000)
  expect(await service.issue({ authenticatedAt: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 422, body: { code: 'session.too_old' } })
})

test('a derived session inherits the earliest authentication, and its token names every ancestor', async () => {
  const { body: { session: person } } = await service.issue({ device: laptop, authenticatedAt: toIso(instant(Date.now() - 60_000)) })
  const { body: { session: agent } } = await service.issue({ subject: { sub: 'svc' }, agentId: 'planner', parentSessionId: person.id })
  const { body: { session: worker, accessToken } } = await service.issue({ subject: { sub: 'svc2' }, agentId: 'worker', parentSessionId: agent.id })
  expect(worker).toMatchObject({ kind: 'agent', beganAt: person.beganAt, expiresAt: person.expiresAt, parentSessionId: agent.id })
  const { facts } = await verified(accessToken)
  expect(facts.hops.map(({ sessionId }) => sessionId)).toEqual([worker.id, agent.id, person.id])
  expect(facts.hops.at(-1)).toMatchObject({ sub: 'alice', deviceId: 'laptop-1' })
})

test('names that add up to more than a token holds are refused as such, however long they are', async () => {
  const long = (letter: string) => letter.repeat(256)
  const request = {
    subject: { sub: long('あ').repeat(2), issuer: `https://${long('い')}` }, clientId: long('う'), device: { id: long('え') }, agentId: long('お'), grantId: long('か'),
    authMethods: Array.from({ length: 16 }, (_, n) => `${n}`.padEnd(64, 'き')),
  }
  const { status, body: { session: parent, accessToken } } = await service.issue(request)
  expect(status).toBe(201)
  expect((await verified(accessToken)).claims.sub).toBe(request.subject.sub)
  expect(await service.issue({ ...request, parentSessionId: parent.id })).toMatchObject({ status: 422, body: { code: 'parent.too_deep' } })
  expect(await service.rows('SELECT 1 FROM sessions WHERE parent_session_id = $1', [parent.id])).toEqual([])
})

test('a parent of another tenant, one that ended and one that never was are equally unknown', async () => {
  const { body: { session: elsewhere } } = await service.issue({}, { tenant: 'acme' })
  const { body: { session: ended } } = await service.issue()
  await service.revoke({ kind: 'session', id: ended.id })
  for (const parentSessionId of [elsewhere.id, ended.id, '0197c0de-0000-7000-8000-000000000001']) {
    expect(await service.issue({ parentSessionId })).toMatchObject({ status: 422, body: { code: 'parent.unknown' } })
  }
})

test('an authentication at or before a known cutoff is refused, one after it is not (I4)', async () => {
  const cutoff = toIso(instant(Date.now() - 5_000))
  await service.revoke({ kind: 'subject', issuer: service.platform.issuer, sub: 'bob' }, { cutoff })
  const bob = { subject: { sub: 'bob' } }
  expect(await service.issue({ ...bob, authenticatedAt: cutoff })).toMatchObject({ status: 422, body: { code: 'session.superseded' } })
  expect((await service.issue({ ...bob, authenticatedAt: toIso(instant(Date.parse(cutoff) + 1)) })).status).toBe(201)
  expect((await service.issue({ ...bob, authenticatedAt: cutoff }, { tenant: 'acme' })).status).toBe(201)
})

test('what the feed knows refuses too, and a feed that knows too little makes nobody guess', async () => {
  service.feed.verdict = (facts) => (facts.hops[0].sub === 'carol' ? 'revoked' : 'allowed')
  expect(await service.issue({ subject: { sub: 'carol' } })).toMatchObject({ status: 422, body: { code: 'session.superseded' } })
  service.feed.verdict = () => 'stale'
  const { status, body, headers } = await service.issue()
  expect([status, body]).toMatchObject([503, { code: 'denylist.stale' }])
  expect(headers.get('retry-after')).toBe('1')
  expect((await service.call<{ items: Session[] }>('GET', '/v1/sessions?sub=carol')).body.items).toEqual([])
})

const withKey = (key: string) => ({ headers: { 'idempotency-key': key } })
const tokensOf = (id: string) => service.rows<{ ended_at: Date | null; family: string }>('SELECT ended_at, family FROM refresh_tokens WHERE session_id = $1 ORDER BY issued_at', [id])

test('a repeated request is the same session with new tokens, and the earlier refresh token dies', async () => {
  const first = await service.issue({ subject: { sub: 'dora' } }, withKey('k-1'))
  const again = await service.issue({ subject: { sub: 'dora' } }, withKey('k-1'))
  expect([first.status, again.status]).toEqual([201, 201])
  expect(again.body.session).toEqual(first.body.session)
  expect(again.body.refreshToken).not.toBe(first.body.refreshToken)
  const jtiOf = async ({ body }: typeof first) => (await verified(body.accessToken)).claims.jti
  expect(await jtiOf(again)).not.toBe(await jtiOf(first))
  const [earlier, current, ...more] = await tokensOf(first.body.session.id)
  expect([earlier?.ended_at === null, current?.ended_at, more]).toEqual([false, null, []])
  expect(earlier?.family).toBe(current?.family)
  expect(started('dora').length).toBeLessThanOrEqual(1)
})

test('the same key with another request is refused, and another client\'s key is another', async () => {
  await service.issue({ subject: { sub: 'erin' } }, withKey('k-2'))
  expect(await service.issue({ subject: { sub: 'eve' } }, withKey('k-2'))).toMatchObject({ status: 422, body: { code: 'idempotency.mismatch' } })
  const token = await service.platform.token('sessions:issue', { client_id: 'other', sub: 'other' })
  expect((await service.issue({ subject: { sub: 'eve' } }, { headers: { 'idempotency-key': 'k-2', authorization: `Bearer ${token}` } })).status).toBe(201)
})

test('twenty requests at once with one key begin one session', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.issue({ subject: { sub: 'frank' } }, withKey('k-3'))))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  const [id, ...others] = new Set(answers.map(({ body }) => body.session.id))
  expect(others).toEqual([])
  const live = (await tokensOf(id as string)).filter(({ ended_at }) => ended_at === null)
  expect(live).toHaveLength(1)
})

test('a repeat does not revive a session that has ended', async () => {
  const { body } = await service.issue({ subject: { sub: 'gina' } }, withKey('k-4'))
  await service.revoke({ kind: 'session', id: body.session.id })
  expect(await service.issue({ subject: { sub: 'gina' } }, withKey('k-4'))).toMatchObject({ status: 422, body: { code: 'session.superseded' } })
})

test('a request that was refused leaves its key free', async () => {
  service.feed.verdict = () => 'stale'
  expect((await service.issue({ subject: { sub: 'hugo' } }, withKey('k-5'))).status).toBe(503)
  service.feed.verdict = () => 'allowed'
  expect((await service.issue({ subject: { sub: 'hugo' } }, withKey('k-5'))).status).toBe(201)
})

test.each([
  ['an unknown member', { admin: true }, '/admin'], ['no client', { clientId: undefined }, '/clientId'], ['every issuer', { subject: { issuer: '*', sub: 'a' } }, '/subject/issuer'],
  ['an address that is none', { ipAddress: '10.0.0.256' }, '/ipAddress'], ['a name Postgres cannot hold', { subject: { sub: 'a\u0000' } }, '/subject/sub'],
])('%s is refused with a pointer', async (_what, request, pointer) => {
  expect(await service.issue(request)).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ pointer }] } })
})

test('issuing needs its scope, and a session\'s own token is not enough', async () => {
  const { body } = await service.issue()
  expect((await service.call('POST', '/v1/sessions', { body: {}, scope: 'sessions:read' })).status).toBe(403)
  expect((await service.call('GET', '/v1/sessions', { headers: { authorization: `Bearer ${body.accessToken}` } })).status).toBe(401)
  expect((await fetch(`${service.url}/v1/sessions`)).status).toBe(401)
})

test('sessions of another tenant are neither listed nor shown', async () => {
  const { body: { session: theirs } } = await service.issue({ subject: { sub: 'shared' } }, { tenant: 'acme' })
  expect((await service.call('GET', `/v1/sessions/${theirs.id}`)).status).toBe(404)
  expect((await service.call<{ items: Session[] }>('GET', '/v1/sessions?sub=shared')).body.items).toEqual([])
  expect((await service.call<{ items: Session[] }>('GET', '/v1/sessions?sub=shared', { tenant: 'acme' })).body.items).toEqual([theirs])
})

test.each(['nothing', '0197c0de-0000-7000-8000-00000000ffff', '..%2f..', '%00'])('%j is no session', async (id) => {
  expect(await service.call('GET', `/v1/sessions/${id}`)).toMatchObject({ status: 404, body: { code: 'session.unknown' } })
})

test('every filter narrows, and in any combination', async () => {
  const mine = { subject: { issuer: 'https://idp.test', sub: 'zoe' }, clientId: 'zoe-app', device: { id: 'zd' }, agentId: 'za', grantId: 'zg', kind: 'agent', ipAddress: '10.9.8.7' }
  const { body: { session: zoe } } = await service.issue(mine)
  await service.issue({ ...mine, device: { id: 'zd2' } })
  const list = async (query: string) => (await service.call<{ items: Session[] }>('GET', `/v1/sessions?${query}`)).body.items
  for (const query of ['deviceId=zd', 'sub=zoe&issuer=*&deviceId=zd', 'issuer=https://idp.test&clientId=zoe-app&deviceId=zd&agentId=za&grantId=zg&kind=agent&ipAddress=10.9.8.7&status=active']) {
    expect([query, await list(query)]).toEqual([query, [zoe]])
  }
  for (const query of ['sub=zoe&issuer=https://idp.test', 'sub=zoe&issuer=*', 'clientId=zoe-app', 'agentId=za', 'grantId=zg', 'ipAddress=10.9.8.7', 'issuer=https://idp.test']) expect([query, (await list(query)).length]).toEqual([query, 2])
  for (const query of ['deviceId=zd&status=ended', 'deviceId=zd&kind=person', 'deviceId=zd&issuer=https://other.test', 'sub=Zoe&issuer=*']) expect([query, await list(query)]).toEqual([query, []])
  expect((await service.call('GET', '/v1/sessions?colour=red')).status).toBe(400)
  expect((await service.call('GET', '/v1/sessions?limit=501')).status).toBe(400)
})

test('a subject whose issuer is not named is Curfew\'s own when sessions are listed, as when they are issued and revoked', async () => {
  const { body: { session: ours } } = await service.issue({ subject: { sub: 'twin' } })
  const { body: { session: theirs } } = await service.issue({ subject: { sub: 'twin', issuer: 'https://idp.test' } })
  const list = async (query: string) => (await service.call<{ items: Session[] }>('GET', `/v1/sessions?${query}`)).body.items
  expect([await list('sub=twin'), await list(`sub=twin&issuer=${service.platform.issuer}`), await list('sub=twin&issuer=https://idp.test')]).toEqual([[ours], [ours], [theirs]])
  expect(await list('sub=twin&issuer=*')).toEqual([theirs, ours])
})

test('pages are newest first, and sessions issued meanwhile do not shift them', async () => {
  const ids: string[] = []
  for (let n = 0; n < 5; n += 1) ids.unshift((await service.issue({ clientId: 'paged' })).body.session.id)
  type Page = { items: Session[]; nextCursor: string | null }
  const page = async (cursor: string | null) => (await service.call<Page>('GET', `/v1/sessions?clientId=paged&limit=2${cursor === null ? '' : `&cursor=${cursor}`}`)).body
  const first = await page(null)
  await service.issue({ clientId: 'paged' })
  const second = await page(first.nextCursor)
  const third = await page(second.nextCursor)
  expect([first, second, third].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(ids)
  expect(third.nextCursor).toBeNull()
  expect(session.array().parse(first.items)).toHaveLength(2)
  expect((await service.call('GET', '/v1/sessions?cursor=nonsense')).status).toBe(400)
  expect((await service.call('GET', `/v1/sessions?cursor=${first.nextCursor ?? ''}`, { tenant: 'acme' })).status).toBe(400)
})
