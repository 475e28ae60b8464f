import { encodeEvent, eventKey, type OutgoingRecord } from '@curfew/bus'
import { events, topics, type AuditEvent, type EventSpec, type ProblemDocument } from '@curfew/contracts'
import { HandBus } from '@curfew/service-kit/testing'
import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
const bus = new HandBus()
let reader: string

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus, databaseUrl: database.url })
  reader = await service.platform.token('audit:read')
})
afterAll(async () => {
  await service.services.close()
  await database.drop()
})

interface Page {
  readonly items: AuditEvent[]
  readonly nextCursor: string | null
}
const list = async (query: Record<string, string> = {}, token = reader) => service.get<Page>(`/v1/audit/events?${new URLSearchParams(query)}`, token)
const found = async (query: Record<string, string>, token = reader) => (await list(query, token)).body.items
const kinds = async (query: Record<string, string>) => (await found(query)).map(({ kind }) => kind).sort()

let last = 0
const minute = (n: number): string => new Date(Date.UTC(2026, 9, 1, 0, n)).toISOString()
const record = <T>(spec: EventSpec<T>, data: T, { tenant = 'default', id = `e-${(last += 1)}`, type = spec.type } = {}): OutgoingRecord =>
  encodeEvent(spec as EventSpec, eventKey(tenant), { id, source: 'urn:test', tenant }, data, type)
const parkedSince = (before: number) => bus.published.slice(before).map(({ topic, headers }) => [topic, headers['curfew-parked-reason']])

const decided = (over: object = {}, options: { tenant?: string; id?: string } = {}) => record(events.revocationDecided, {
  id: randomUUID(), tenant: options.tenant ?? 'default', scope: { kind: 'subject' as const, issuer: 'https://idp.test', sub: 'alice' }, cutoff: minute(1), except: [],
  decidedAt: minute(1), forgetAfter: minute(9), reason: { code: 'stolen' }, initiator: { kind: 'person' as const, id: 'helpdesk' }, ...over,
}, options)

test('who revoked what, when and why reads off one row', async () => {
  const id = randomUUID()
  await bus.hand(decided({ id, reason: { code: 'password_reset', text: 'ticket 4711' }, scope: { kind: 'subject', issuer: 'https://idp.test', sub: 'reader' } }))
  const [event] = await found({ sub: 'reader' })
  expect(event).toMatchObject({
    tenant: 'default', kind: 'curfew.revocation.decided', outcome: 'success', time: minute(1), actor: { kind: 'person', id: 'helpdesk' },
    subject: { issuer: 'https://idp.test', sub: 'reader' }, revocationId: id, reason: 'password_reset: ticket 4711', sessionHash: null,
    source: { topic: topics.revocations.name, partition: 0, offset: '0', eventSource: 'urn:test' },
  })
  expect((await service.get(`/v1/audit/events/${event?.id}`, reader)).body).toEqual(event)
})

test('every filter finds what it names, and filters narrow each other', async () => {
  const revocationId = randomUUID()
  const sid = randomUUID()
  await bus.hand(decided({ id: revocationId, scope: { kind: 'session', id: sid }, cutoff: null, decidedAt: minute(20), initiator: { kind: 'client', id: 'filter-client' } }))
  await bus.hand(record(events.activityObserved, { tenant: 'default', sessionId: sid, lastActiveAt: minute(22), requests: 3 }))
  await bus.hand(record(events.signal, { subject: { sub: 'filtered' }, occurredAt: minute(24), initiator: 'Zoë from HR', details: { ticket: 'case-9917' } }, { type: 'curfew.lifecycle.offboarded' }))
  await bus.hand(record(events.subjectChanged, { tenant: 'default', subject: { issuer: 'https://idp.test', sub: 'filtered' }, status: 'disabled', version: 1, at: minute(26) }))

  expect(await kinds({ revocationId })).toEqual(['curfew.revocation.decided'])
  expect(await kinds({ sessionId: sid })).toEqual(['curfew.activity.observed', 'curfew.revocation.decided'])
  expect(await kinds({ actor: 'filter-client' })).toEqual(['curfew.revocation.decided'])
  expect(await kinds({ sub: 'filtered' })).toEqual(['curfew.lifecycle.offboarded', 'curfew.subject.changed'])
  expect(await kinds({ sub: 'filtered', kind: 'curfew.subject.changed' })).toEqual(['curfew.subject.changed'])
  expect(await kinds({ sub: 'filtered', outcome: 'success' })).toHaveLength(2)
  expect(await kinds({ sub: 'filtered', outcome: 'failure' })).toEqual([])
  expect(await kinds({ from: minute(20), to: minute(24) })).toEqual(['curfew.activity.observed', 'curfew.revocation.decided'])
  expect(await kinds({ q: 'zoë' })).toEqual(['curfew.lifecycle.offboarded'])
  expect(await kinds({ q: 'ZOE\u0308 case' })).toEqual(['curfew.lifecycle.offboarded'])
  expect(await kinds({ q: '9917', sub: 'filtered' })).toEqual(['curfew.lifecycle.offboarded'])
  expect(await kinds({ q: 'filt disab' })).toEqual(['curfew.subject.changed'])
  expect(await kinds({ q: '9917 nowhere' })).toEqual([])
  expect(await kinds({ q: 'z', sub: 'filtered' })).toEqual([])
  expect(await kinds({ q: '-- ' })).toEqual([])
  expect(await kinds({ q: ' ', sub: 'filtered' })).toHaveLength(2)
  expect(await kinds({ sub: 'nobody' })).toEqual([])
  expect(await kinds({ revocationId: 'not-a-uuid' })).toEqual([])
})

test('bounds of time that PostgreSQL cannot spell are still bounds', async () => {
  const everything = (await found({ limit: '500' })).length
  expect((await found({ from: '0000-01-01T00:00:00+10:00', to: '9999-12-31T23:59:59-10:00', limit: '500' })).length).toBe(everything)
})

test('what no search can be is refused', async () => {
  const wrong = async (query: Record<string, string>) => {
    const { status, body } = await list(query) as { status: number; body: unknown }
    return [status, (body as ProblemDocument).errors?.[0]?.pointer]
  }
  expect(await wrong({ q: Array.from({ length: 17 }, (_, at) => `w${at}`).join(' ') })).toEqual([400, '?q'])
  expect(await wrong({ outcome: 'perhaps' })).toEqual([400, '?outcome'])
  expect(await wrong({ from: 'yesterday' })).toEqual([400, '?from'])
  expect(await wrong({ planet: 'earth' })).toEqual([400, '?planet'])
  expect(await wrong({ cursor: 'made-up' })).toEqual([400, '?cursor'])
  expect(await wrong({ limit: '501' })).toEqual([400, '?limit'])
  for (const id of [randomUUID(), 'none', '%00']) expect((await service.get<ProblemDocument>(`/v1/audit/events/${id}`, reader)).status).toBeGreaterThanOrEqual(400)
  expect((await service.get<ProblemDocument>(`/v1/audit/events/${randomUUID()}`, reader)).body.code).toBe('audit.unknown')
  expect((await list({}, await service.platform.token('revocations:write'))).status).toBe(403)
})

test('pages show everything once, newest first, while older and newer rows come in between', async () => {
  const paged = (at: number) => bus.hand(record(events.subjectChanged, { tenant: 'default', subject: { issuer: 'i', sub: 'paged' }, status: 'enabled', version: at + 1, at: minute(100 + Math.floor(at / 3)) }, { id: `paged-${at}` }))
  for (let at = 0; at < 20; at += 1) await paged(at)
  const before = new Set((await found({ sub: 'paged', limit: '500' })).map(({ id }) => id))
  const seen: AuditEvent[] = []
  let cursor: string | null = null
  let turn = 0
  do {
    const page: Page = (await list({ sub: 'paged', limit: '3', ...(cursor !== null && { cursor }) })).body
    seen.push(...page.items)
    cursor = page.nextCursor
    await paged(1_000 + (turn += 1))
    await paged(-1 - turn)
  } while (cursor !== null && turn < 100)
  const ids = seen.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...before].filter((id) => !ids.includes(id))).toEqual([])
  expect(seen.map(({ time }) => time)).toEqual(seen.map(({ time }) => time).sort().reverse())
})

test('a page of one search continues no other', async () => {
  const { nextCursor } = (await list({ sub: 'paged', limit: '2' })).body
  expect((await list({ sub: 'alice', limit: '2', cursor: nextCursor ?? '' })).status).toBe(400)
  expect((await list({ sub: 'paged', limit: '5', cursor: nextCursor ?? '' })).status).toBe(200)
})

test('tenants are apart', async () => {
  const theirs = await service.platform.token('audit:read', { tenant: 'acme' })
  const sid = randomUUID()
  await bus.hand(decided({ scope: { kind: 'session', id: sid }, cutoff: null }, { tenant: 'acme' }))
  const [event] = await found({ sessionId: sid }, theirs)
  expect(event?.tenant).toBe('acme')
  expect(await found({ sessionId: sid })).toEqual([])
  expect((await service.get(`/v1/audit/events/${event?.id}`, reader)).status).toBe(404)
  expect(await found({}, theirs)).toHaveLength(1)
})

test('the same event twice is one row; another content under its id is parked, and the row stands', async () => {
  const event = decided({ reason: { code: 'once' } }, { id: 'same' })
  const before = bus.published.length
  await Promise.all(Array.from({ length: 8 }, () => bus.hand(event)))
  expect(parkedSince(before)).toEqual([])
  await bus.hand(decided({ reason: { code: 'twice' } }, { id: 'same' }))
  expect(parkedSince(before)).toEqual([['curfew.revocations.parked.v1', 'event.mismatch']])
  expect((await found({ q: 'once' })).map(({ reason }) => reason)).toEqual(['once'])
  expect(await found({ q: 'twice' })).toEqual([])
})

test('garbage and strangers are parked with a reason, watermarks are counted and not kept, and the stream goes on', async () => {
  const before = bus.published.length
  const good = decided({ reason: { code: 'after-garbage' } })
  await bus.hand({ ...good, value: null })
  await bus.hand({ ...good, value: Buffer.from('not JSON') })
  await bus.hand({ ...good, headers: {} })
  await bus.hand({ ...good, headers: { ...good.headers, ce_type: 'curfew.unheard.of' } })
  await bus.hand({ ...good, value: Buffer.from('{"id":1}') })
  await bus.hand(decided({}, { tenant: 'nowhere' }))
  await bus.hand(decided({ tenant: 'acme' }))
  await bus.hand(record(events.watermarkAdvanced, { at: minute(1), partitions: 3 }))
  await bus.hand(good)
  expect(parkedSince(before).map(([, reason]) => reason)).toEqual([
    'event.unreadable', 'event.unreadable', 'event.unreadable', 'event.type_unknown', 'event.invalid', 'tenant.unknown', 'event.invalid',
  ])
  expect(await kinds({ q: 'after garbage' })).toEqual(['curfew.revocation.decided'])
  expect(await kinds({ kind: 'curfew.watermark.advanced' })).toEqual([])
  expect(await service.platform.metrics.metrics()).toContain('curfew_audit_events_total{topic="curfew.revocations.v1",outcome="not_kept"} 1')
})

test('large and odd data is recorded within bounds, and found', async () => {
  const details = { deep: [[[[[[[[[['core']]]]]]]]]], nul: 'a\u0000b', lone: '\ud800', long: 'y'.repeat(50_000), many: Array.from({ length: 5_000 }, (_, at) => at), big: 1e308 }
  await bus.hand(record(events.signal, { subject: { sub: 'odd' }, occurredAt: '9999-12-31T23:59:59Z', details }, { type: 'curfew.lifecycle.custom.odd' }))
  const [event] = await found({ sub: 'odd' })
  expect(JSON.stringify(event).length).toBeLessThan(40_000)
  expect(event?.time).toBe(event?.recordedAt)
  await bus.hand(record(events.sessionEnded, { tenant: 'default', sessionHash: 'h'.repeat(9_000), subject: { issuer: 'i', sub: 'odd' }, endedAt: minute(1), reason: 'x\u0000', revocationId: 'r'.repeat(9_000) }))
  expect(await found({ sub: 'odd' })).toHaveLength(2)
})

test('no stored row holds a planted session id, in any column of any table (I12)', async () => {
  const sid = `planted-${randomUUID()}`
  const subject = { issuer: 'i', sub: 'planted' }
  await bus.hand(decided({ scope: { kind: 'session', id: sid }, cutoff: null, reason: { code: 'stolen', text: `${sid}, stolen` } }))
  await bus.hand(decided({ except: [sid, randomUUID()] }))
  await bus.hand(record(events.revocationRequested, { id: randomUUID(), scope: { kind: 'session', id: sid }, initiator: { kind: 'client', id: 'c' }, reason: { code: 'a', text: sid } }))
  await bus.hand(record(events.activityObserved, { tenant: 'default', sessionId: sid, lastActiveAt: minute(1), requests: 1 }, { id: `activity:${sid}` }))
  await bus.hand(record(events.signal, { subject, occurredAt: minute(1), details: { sessionId: sid, also: { old_sessions: [sid] }, text: `was ${sid}` } }, { type: 'curfew.lifecycle.sign_out' }))
  await bus.hand(record(events.signal, { subject, occurredAt: minute(1), details: { currentSessionId: sid } }, { type: 'curfew.lifecycle.mfa_changed' }))
  expect((await found({ sessionId: sid })).length).toBe(3)
  const rows = await everythingStored()
  expect(rows.length).toBeGreaterThan(100)
  const parts = [sid, ...sid.split('-').filter((part) => part.length >= 8)].filter((part) => part !== 'planted')
  expect(rows.filter((row) => parts.some((part) => row.includes(part)))).toEqual([])
})

test('the service\'s own role can neither change nor delete what it recorded', async () => {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('SET ROLE curfew_audit; SET search_path = curfew_audit')
    await client.query(`SET curfew.tenant = '*'`)
    for (const statement of ['DELETE FROM audit_event', `UPDATE audit_event SET reason = 'nothing'`, 'DELETE FROM audit_word', 'TRUNCATE audit_event']) {
      await expect(client.query(statement)).rejects.toThrow(/permission denied/)
    }
  } finally {
    await client.end()
  }
})

/** Every row of every table of the service's schema, as text. */
async function everythingStored(): Promise<string[]> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'curfew_audit'`)
    const texts: string[] = []
    for (const { name } of tables) texts.push(...(await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)).rows.map(({ row }) => row))
    return texts
  } finally {
    await client.end()
  }
}
