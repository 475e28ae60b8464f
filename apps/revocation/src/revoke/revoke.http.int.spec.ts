import { isSigned, feedKeys } from '@curfew/feed'
import { events, revocation, type ProblemDocument, type PublicJwk, type Revocation } from '@curfew/contracts'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { HandFeed } from '../hand-feed.contract.js'
import { revocationsOn, runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
let writer: string
let admin: string
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus: feed, databaseUrl: database.url })
  writer = await service.platform.token('revocations:write revocations:read')
  admin = await service.platform.token('admin')
})
afterAll(async () => {
  await service.services.close()
  await database.drop()
})
afterEach(() => feed.become('works'))

const problem = (body: unknown): ProblemDocument => body as ProblemDocument
const onFeed = (id: string) => revocationsOn(feed.records).filter((each) => each.id === id)
const subject = (sub: string) => ({ scope: { kind: 'subject', sub } })

test('a revocation is published with its cutoff, its issuer named, and a link to itself', async () => {
  const { status, body } = await service.revoke(writer, { scope: { kind: 'subject', sub: 'alice' }, except: ['kept'], reason: { code: 'password_reset', text: 'helpdesk 4711' } })
  expect(status).toBe(201)
  expect(revocation.parse(body)).toEqual(body)
  expect(body).toMatchObject({
    tenant: 'default', scope: { kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' }, except: ['kept'], reason: { code: 'password_reset', text: 'helpdesk 4711' },
    initiator: { kind: 'client', id: 'ops' }, state: 'published', cutoff: body.decidedAt, links: { self: `/v1/revocations/${body.id}` },
  })
  expect(Date.parse(body.publishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(body.decidedAt))
  expect(body).not.toHaveProperty('enforcement')
  expect(onFeed(body.id)).toHaveLength(1)
})

test('shown later it says the same, and the instant the log had it', async () => {
  const { body } = await service.revoke(writer, subject('bob'))
  const shown = await until(async () => {
    const answer = await service.call<Revocation>(body.links.self, writer)
    return answer.body.state === 'published' ? answer : undefined
  }, { timeoutMs: 5_000, what: 'the acknowledgement to be written down' })
  const { publishedAt: _, ...rest } = shown.body
  const { publishedAt: __, ...first } = body
  expect([shown.status, rest]).toEqual([200, first])
  expect(shown.body.publishedAt).toBeDefined()
})

test('what is on the feed is signed by a key that the terms name', async () => {
  const { body } = await service.revoke(writer, subject('signed'))
  const terms = await service.call<{ feed: { keys: PublicJwk[]; topicId: string; partitions: number } }>('/v1/denylist/terms', undefined)
  const record = feed.records.find(({ headers }) => headers['ce_id'] === body.id)
  if (!record?.value) throw new Error('not on the feed')
  const { ce_id: id = '', ce_source: source = '', ce_type: type = '', ce_tenant: tenant = '' } = record.headers
  expect(isSigned({ topic: record.topic, id, source, type, tenant, value: record.value }, record.headers['curfew-signature'], feedKeys(terms.body.feed.keys))).toBe(true)
  expect(type).toBe(events.revocationDecided.type)
  expect(terms.body.feed).toMatchObject({ topicId: feed.incarnation, partitions: 3 })
})

test('while the log is away it is accepted within the time it was given, and published when the log is back', async () => {
  feed.become('away')
  const before = performance.now()
  const { status, body } = await service.revoke(writer, subject('offline'), '?timeoutMs=100')
  expect(performance.now() - before).toBeLessThan(2_000)
  expect([status, body.state]).toEqual([202, 'accepted'])
  expect(body).not.toHaveProperty('publishedAt')
  expect((await service.call<Revocation>(body.links.self, writer)).body.state).toBe('accepted')
  feed.become('works')
  await until(async () => (await service.call<Revocation>(body.links.self, writer)).body.state === 'published', { timeoutMs: 10_000, what: 'the backlog to drain' })
  expect(onFeed(body.id).length).toBeGreaterThanOrEqual(1)
})

test('who waits for nothing but the commit is answered 201 while the log is away', async () => {
  feed.become('away')
  const { status, body } = await service.revoke(writer, subject('committed'), '?wait=accepted')
  expect([status, body.state]).toEqual([201, 'accepted'])
})

test('a log that hangs costs the caller no more than its timeout', async () => {
  feed.become('hangs')
  expect((await service.revoke(writer, subject('hung'), '?timeoutMs=0')).status).toBe(202)
})

test.each([['?wait=enforced'], ['?wait=soon'], ['?timeoutMs=-1'], ['?timeoutMs=60001'], ['?unknown=1']])('%s is refused', async (query) => {
  const { status, body } = await service.revoke(writer, subject('x'), query)
  expect([status, problem(body).code]).toEqual([400, 'request.invalid'])
})

test.each([
  [{ scope: { kind: 'user', sub: 'x' } }, 400, 'request.invalid'], [{ scope: { kind: 'subject', sub: 'x', extra: 1 } }, 400, 'request.invalid'], [{}, 400, 'request.invalid'],
  [{ scope: { kind: 'session', id: 's' }, except: ['s'] }, 422, 'revocation.exceptions_on_absolute'],
  [{ scope: { kind: 'subject', sub: 'x' }, except: Array.from({ length: 10_001 }, (_, n) => `s${n}`) }, 422, 'revocation.too_many_exceptions'],
  [{ scope: { kind: 'subject', sub: 'x' }, except: Array.from({ length: 10_000 }, (_, n) => `${'é'.repeat(70)}${n}`) }, 413, 'request.too_large'],
])('a body that cannot be is refused and leaves nothing: %#', async (body, status, code) => {
  const answer = await service.revoke(admin, body)
  expect([answer.status, problem(answer.body).code]).toEqual([status, code])
})

test('a cutoff in the future is refused by the primary\'s clock', async () => {
  const answer = await service.revoke(admin, { scope: { kind: 'subject', sub: 'x', issuedBefore: '2200-01-01T00:00:00Z' } })
  expect([answer.status, problem(answer.body).code]).toEqual([422, 'cutoff.in_future'])
})

test.each([
  { kind: 'session', id: 's' }, { kind: 'token', jti: 'j' }, { kind: 'subject', sub: 's' }, { kind: 'subject', issuer: '*', sub: 's' }, { kind: 'client', clientId: 'c' }, { kind: 'device', deviceId: 'd' },
  { kind: 'agent', agentId: 'a' }, { kind: 'grant', grantId: 'g' }, { kind: 'key', kid: 'k', issuer: 'https://idp.test' },
])('every scope can be revoked: %j', async (scope) => {
  const { status, body } = await service.revoke(admin, { scope })
  expect([status, body.state, body.scope]).toMatchObject([201, 'published', scope])
})

test.each([
  [{ kind: 'client', clientId: 'c' }, 'revocations:write:wide'], [{ kind: 'agent', agentId: 'a' }, 'revocations:write:wide'], [{ kind: 'tenant' }, 'revocations:write:wide'],
  [{ kind: 'key', kid: 'k' }, 'revocations:write:wide'], [{ kind: 'subject', sub: 's', issuedBefore: '2026-01-01T00:00:00Z' }, 'revocations:write:wide'],
])('%j needs a scope of its own', async (scope, needed) => {
  const answer = await service.revoke(writer, { scope })
  expect([answer.status, problem(answer.body).code, problem(answer.body).detail?.includes(needed)]).toEqual([403, 'auth.scope', true])
})

test('the scope for wide kinds is enough for them, and for nothing else', async () => {
  const wide = await service.platform.token('revocations:write:wide')
  expect((await service.revoke(wide, { scope: { kind: 'client', clientId: 'c' } })).status).toBe(201)
  expect((await service.revoke(wide, subject('x'))).status).toBe(403)
})

test('a key of every tenant is an administrator\'s to name', async () => {
  const wide = await service.platform.token('revocations:write revocations:write:wide')
  const scope = { kind: 'key', kid: 'shared', everyTenant: true }
  expect((await service.revoke(wide, { scope })).status).toBe(403)
  expect((await service.revoke(admin, { scope })).body).toMatchObject({ everyTenant: true, scope: { kind: 'key', kid: 'shared', issuer: 'https://curfew.test' } })
})

test.each([[undefined, 401, 'auth.invalid'], ['sessions:read', 403, 'auth.scope']])('scope %s is not enough', async (scope, status, code) => {
  const answer = await service.call<ProblemDocument>('/v1/revocations', scope === undefined ? undefined : await service.platform.token(scope), { method: 'POST', body: subject('x') })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})
