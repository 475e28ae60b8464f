import { events, type IssuedSession, type RevocationRecord } from '@curfew/contracts'
import { encodeEvent } from '@curfew/bus'
import { instant, toIso, type TenantId } from '@curfew/kernel'
import { until } from '@curfew/testing'
import { startSession, type SessionService } from '../session-service.contract.js'

let service: SessionService
beforeAll(async () => { service = await startSession() })
afterAll(() => service.close())

type Scope = RevocationRecord['scope']
const subject = (sub: string, issuer = service.platform.issuer): Scope => ({ kind: 'subject', issuer, sub })
const issue = async (request: object, tenant?: string): Promise<IssuedSession['session']> => (await service.issue(request, { tenant })).body.session
const statusOf = async (id: string, tenant?: string) => (await service.show(id, tenant)).status
const parked = () => service.bus.published.filter(({ topic }) => topic === 'curfew.revocations.parked.v1')
const endedEvents = (sub: string) => service.bus.published.filter(({ headers, value }) => headers.ce_type === 'curfew.session.ended' && (value as Buffer).includes(`"sub":"${sub}"`))

test('an ended session stays readable and says who ended it, when and why; its refresh token dies', async () => {
  const session = await issue({ subject: { sub: 'ann' } })
  const record = await service.revoke(subject('ann'), { reason: { code: 'device_lost', text: 'ticket 4711' } })
  expect(await service.show(session.id)).toEqual({
    ...session, status: 'ended', endedAt: record.decidedAt, reason: 'device_lost', endedBy: { kind: 'client', id: 'helpdesk' }, revocationId: record.id,
  })
  expect(await service.rows('SELECT 1 FROM refresh_tokens WHERE session_id = $1 AND ended_at IS NULL', [session.id])).toEqual([])
})

test('an ending is told of once, by keyed hashes, however often the record arrives', async () => {
  const session = await issue({ subject: { sub: 'ben' } })
  const record = await service.revoke(subject('ben'))
  await service.revoke(subject('ben'), record)
  await service.revoke(subject('ben'), { ...record, eventId: 'published-again' })
  await until(() => endedEvents('ben').length > 0, { timeoutMs: 5_000, what: 'the event' })
  const [event, ...more] = endedEvents('ben')
  expect(more).toEqual([])
  expect(JSON.parse(String(event?.value))).toEqual({
    tenant: 'default', sessionHash: service.platform.secrets.sessionHash('default', session.id), subject: { issuer: service.platform.issuer, sub: 'ben' },
    endedAt: record.decidedAt, reason: 'password_reset', revocationId: record.id,
  })
})

test.each<[string, object, (id: string) => Scope]>([
  ['session', {}, (id) => ({ kind: 'session', id })],
  ['subject', { subject: { sub: 's-1' } }, () => subject('s-1')],
  ['subject of another issuer', { subject: { issuer: 'https://idp.test', sub: 's-2' } }, () => subject('s-2', 'https://idp.test')],
  ['subject of every issuer', { subject: { issuer: 'https://idp.test', sub: 's-3' } }, () => subject('s-3', '*')],
  ['client', { clientId: 'c-1' }, () => ({ kind: 'client', clientId: 'c-1' })],
  ['device', { device: { id: 'd-1' } }, () => ({ kind: 'device', deviceId: 'd-1' })],
  ['agent', { agentId: 'a-1' }, () => ({ kind: 'agent', agentId: 'a-1' })],
  ['grant', { grantId: 'g-1' }, () => ({ kind: 'grant', grantId: 'g-1' })],
])('scope %s ends the session and what was derived from it, and nothing beside', async (_kind, request, scopeOf) => {
  const parent = await issue({ subject: { sub: 'someone' }, ...request })
  const child = await issue({ subject: { sub: 'svc' }, clientId: 'tools', parentSessionId: parent.id })
  const grandchild = await issue({ subject: { sub: 'svc2' }, clientId: 'tools2', parentSessionId: child.id })
  const beside = await issue({ subject: { sub: 'beside' } })
  await service.revoke(scopeOf(parent.id))
  expect(await Promise.all([parent, child, grandchild, beside].map(({ id }) => statusOf(id)))).toEqual(['ended', 'ended', 'ended', 'active'])
})

test('two people called alice at two issuers are ended apart, with the sessions derived from each', async () => {
  const idp = 'https://idp.test'
  const familyOf = async (of: object) => {
    const parent = await issue({ subject: { sub: 'namesake', ...of } })
    return [parent, await issue({ subject: { sub: 'svc' }, parentSessionId: parent.id })]
  }
  const all = [...await familyOf({}), ...await familyOf({ issuer: idp })]
  const statuses = () => Promise.all(all.map(({ id }) => statusOf(id)))
  await service.revoke(subject('namesake', idp))
  expect(await statuses()).toEqual(['active', 'active', 'ended', 'ended'])
  expect((await service.issue({ subject: { sub: 'namesake', issuer: idp } })).body).toMatchObject({ code: 'session.superseded' })
  expect((await service.issue({ subject: { sub: 'namesake' } })).status).toBe(201)
  await service.revoke(subject('namesake'))
  expect(await statuses()).toEqual(['ended', 'ended', 'ended', 'ended'])
})

test('a revoked tenant loses its sessions, another tenant keeps its own', async () => {
  const theirs = await issue({}, 'acme')
  const ours = await issue({ subject: { sub: 'ours' } })
  await service.revoke({ kind: 'tenant' }, { tenant: 'acme', cutoff: toIso(instant(Date.now() + 1_000)) })
  expect([await statusOf(theirs.id, 'acme'), await statusOf(ours.id)]).toEqual(['ended', 'active'])
})

test('a session derived from a spared one is spared with it; a session derived from an ended one is ended', async () => {
  const spared = await issue({ subject: { sub: 'cara' } })
  const ended = await issue({ subject: { sub: 'cara' } })
  const ofSpared = await issue({ subject: { sub: 'svc' }, parentSessionId: spared.id })
  const ofEnded = await issue({ subject: { sub: 'svc' }, parentSessionId: ended.id })
  await service.revoke(subject('cara'), { except: [spared.id] })
  expect(await Promise.all([spared, ofSpared, ended, ofEnded].map(({ id }) => statusOf(id)))).toEqual(['active', 'active', 'ended', 'ended'])
})

test('a spared session falls to a later revocation that spares nobody, though it arrives first', async () => {
  const session = await issue({ subject: { sub: 'dan' } })
  const now = Date.now()
  await service.revoke(subject('dan'), { cutoff: toIso(instant(now + 2_000)) })
  await service.revoke(subject('dan'), { cutoff: toIso(instant(now + 1_000)), except: [session.id] })
  expect(await statusOf(session.id)).toBe('ended')
})

test('a session begun after the cutoff goes on, whenever the record arrives', async () => {
  const session = await issue({ subject: { sub: 'eli' } })
  await service.revoke(subject('eli'), { cutoff: toIso(instant(Date.parse(session.beganAt) - 1)) })
  expect(await statusOf(session.id)).toBe('active')
  await service.revoke(subject('eli'), { cutoff: session.beganAt })
  expect(await statusOf(session.id)).toBe('ended')
})

test('tokens, keys, watermarks and quarantines end no session and are not parked', async () => {
  const session = await issue({ subject: { sub: 'fay' }, agentId: 'fay-bot' })
  await service.revoke({ kind: 'token', jti: 'j', issuer: service.platform.issuer })
  await service.revoke({ kind: 'key', kid: 'k', issuer: service.platform.issuer })
  const at = toIso(instant(Date.now()))
  await service.bus.hand(encodeEvent(events.watermarkAdvanced, 'k', { id: 'w1', source: 'urn:curfew:revocation', tenant: 'default' }, { at, partitions: 3 }))
  await service.bus.hand(encodeEvent(events.quarantineChanged, 'k', { id: 'q1', source: 'urn:curfew:revocation', tenant: 'default' },
    { tenant: 'default', agentId: 'fay-bot', version: 1, quarantined: true, forgetAfter: at, initiator: { kind: 'client', id: 'c' }, reason: { code: 'odd' } }))
  expect(await statusOf(session.id)).toBe('active')
  expect(parked()).toEqual([])
})

test('a record of a tenant nobody configured, and one whose envelope names another, are parked', async () => {
  await service.revoke({ kind: 'tenant' }, { tenant: 'nowhere' })
  const forged = { ...(await service.revoke(subject('nobody'))), tenant: 'acme' as TenantId }
  await service.bus.hand(encodeEvent(events.revocationDecided, 'k', { id: 'forged', source: 'urn:curfew:revocation', tenant: 'default' }, forged))
  expect(parked().map(({ headers }) => headers['curfew-parked-reason'])).toEqual(['tenant.unknown', 'event.invalid'])
})

test('sessions issued while their subject is being revoked are either refused or ended, never forgotten', async () => {
  const issuing = Array.from({ length: 40 }, () => service.issue({ subject: { sub: 'gil' }, authenticatedAt: toIso(instant(Date.now() - 1_000)) }))
  await service.revoke(subject('gil'))
  const answers = await Promise.all(issuing)
  expect(new Set(answers.map(({ status }) => status)).size).toBeGreaterThan(0)
  expect(answers.every(({ status }) => status === 201 || status === 422)).toBe(true)
  const { body } = await service.call<{ items: unknown[] }>('GET', '/v1/sessions?sub=gil&status=active')
  expect(body.items).toEqual([])
})

test('more sessions than one transaction takes are ended to the last, each told of once', async () => {
  const many = 2_345
  await service.rows(`INSERT INTO sessions (tenant, id, kind, issuer, sub, client_id, auth_methods, hops, began_at, authenticated_at, last_active_at, expires_at)
    SELECT 'default', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'person', $1, 'crowd', 'web', '{}', '[]', now(), now(), now(), now() + interval '1 day'
    FROM generate_series(1, ${many}) AS n`, [service.platform.issuer])
  const spared = '00000000-0000-7000-8000-000000000400'
  await service.revoke(subject('crowd'), { except: [spared] })
  expect(await service.rows(`SELECT id FROM sessions WHERE sub = 'crowd' AND ended_at IS NULL`)).toEqual([{ id: spared }])
  await until(() => endedEvents('crowd').length === many - 1, { timeoutMs: 20_000, what: 'every ending to be told' })
  expect(new Set(endedEvents('crowd').map(({ headers }) => headers.ce_id)).size).toBe(many - 1)
  expect(await service.rows('SELECT 1 FROM cutoffs WHERE sweeping IS NOT NULL')).toEqual([])
})

test('a sweep that was interrupted is taken up by the redelivery of its record', async () => {
  const session = await issue({ subject: { sub: 'hal' } })
  const record = await service.revoke(subject('hal'))
  // As after a crash: the cutoff was committed, its rows were not.
  await service.rows(`UPDATE sessions SET ended_at = NULL, end_reason = NULL, ended_by = NULL, revocation_id = NULL WHERE id = $1`, [session.id])
  await service.revoke(subject('hal'), record)
  expect(await statusOf(session.id)).toBe('active')
  await service.rows(`UPDATE cutoffs SET sweeping = $1 WHERE selector LIKE '%"hal"%'`, [record.id])
  await service.revoke(subject('hal'), record)
  expect(await statusOf(session.id)).toBe('ended')
})

test('cutoffs that nothing can match any more are dropped', async () => {
  const long = toIso(instant(Date.now() - 7_200_000))
  await service.revoke(subject('ida'), { cutoff: long, forgetAfter: long })
  // One record in 32 clears up, told by the end of its id.
  await service.revoke(subject('ian'), { id: '01a20cbb-8ba1-7648-a493-a134ed446f20' })
  expect(await service.rows(`SELECT 1 FROM cutoffs WHERE selector LIKE '%"ida"%'`)).toEqual([])
  expect(await service.rows(`SELECT 1 FROM cutoffs WHERE selector LIKE '%"ian"%'`)).toHaveLength(1)
})
