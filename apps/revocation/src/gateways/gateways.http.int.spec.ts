import { gatewayLease, type Gateway, type GatewayLease, type ProblemDocument } from '@curfew/contracts'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { HandFeed } from '../hand-feed.contract.js'
import { runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
let edge: string
let fleet: string
let admin: string
let sql: Client
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus: feed, databaseUrl: database.url })
  edge = await service.platform.token('gateway', { client_id: 'edge' })
  fleet = await service.platform.token('fleet:read')
  admin = await service.platform.token('admin')
  sql = new Client({ connectionString: database.url })
  await sql.connect()
  await until(async () => (await service.call('/v1/denylist/terms', undefined)).status === 200, { timeoutMs: 5_000, what: 'the topic to be seen' })
})
afterAll(async () => {
  await sql.end()
  await service.services.close()
  await database.drop()
})

const registration = { version: '1.0.0', budgetMs: 60_000, posture: 'deny' }
const put = <T = GatewayLease>(id: string, token = edge, body: unknown = registration) => service.call<T>(`/v1/gateways/${id}`, token, { method: 'PUT', body })
const show = <T = Gateway>(id: string, token = fleet) => service.call<T>(`/v1/gateways/${id}`, token)
const remove = (id: string, token = edge) => service.call<ProblemDocument>(`/v1/gateways/${id}`, token, { method: 'DELETE' })
const primaryNow = async (): Promise<number> => Number((await sql.query<{ ms: number }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms')).rows[0]?.ms)
const lapse = (id: string) => sql.query(`UPDATE curfew_revocation.gateways SET lease_until = clock_timestamp() - interval '1 second' WHERE id = $1`, [id])

test('a gateway registers: it learns the feed, the primary\'s clock and when it was counted', async () => {
  const before = await primaryNow()
  const { status, body } = await put('gw-1')
  const after = await primaryNow()
  expect([status, gatewayLease.parse(body)]).toEqual([201, body])
  expect(body).toMatchObject({ id: 'gw-1', leaseMs: 90_000, budgetMs: 60_000, feed: { topic: 'curfew.revocations.v1', topicId: feed.incarnation, partitions: 3 } })
  for (const at of [body.registeredAt, body.primaryClock]) {
    expect(Date.parse(at)).toBeGreaterThanOrEqual(Math.floor(before))
    expect(Date.parse(at)).toBeLessThanOrEqual(Math.ceil(after) + 1)
  }
})

test('a renewal keeps the registration and takes a new clock and a new budget', async () => {
  const first = await put('gw-2')
  const again = await put('gw-2', edge, { ...registration, budgetMs: 30_000 })
  expect([again.status, again.body.registeredAt, again.body.budgetMs]).toEqual([200, first.body.registeredAt, 30_000])
  expect(Date.parse(again.body.primaryClock)).toBeGreaterThanOrEqual(Date.parse(first.body.primaryClock))
})

test('registrations of one gateway at once agree on one instant', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => put('gw-racing')))
  expect(new Set(answers.map(({ body }) => body.registeredAt)).size).toBe(1)
})

test('after a lapse it is registered anew: what was decided between is to be below its new instant', async () => {
  const first = await put('gw-3')
  await lapse('gw-3')
  expect((await show('gw-3')).body.live).toBe(false)
  const lapsedAt = await primaryNow()
  const again = await put('gw-3')
  expect(again.status).toBe(201)
  expect(Date.parse(again.body.registeredAt)).toBeGreaterThan(Date.parse(first.body.registeredAt))
  expect(Date.parse(again.body.registeredAt)).toBeGreaterThanOrEqual(Math.floor(lapsedAt))
  expect((await show('gw-3')).body.live).toBe(true)
})

test('an id belongs to the client that registered it: another can neither renew nor remove it, an administrator can remove it', async () => {
  await put('gw-4')
  const thief = await service.platform.token('gateway', { client_id: 'thief' })
  const renewed = await put<ProblemDocument>('gw-4', thief)
  expect([renewed.status, renewed.body.code]).toEqual([404, 'gateway.unknown'])
  expect((await remove('gw-4', thief)).status).toBe(404)
  expect((await show('gw-4')).status).toBe(200)
  expect((await remove('gw-4', admin)).status).toBe(204)
  expect((await put('gw-4', thief)).status).toBe(201)
})

test('who leaves is gone, and leaves once', async () => {
  await put('gw-5')
  expect([(await remove('gw-5')).status, (await remove('gw-5')).status, (await show('gw-5')).status]).toEqual([204, 404, 404])
})

test('a fleet is its tenant\'s, whatever its gateways are called', async () => {
  const acmeEdge = await service.platform.token('gateway fleet:read', { client_id: 'acme-edge', tenant: 'acme' })
  await put('gw-1', acmeEdge, { ...registration, version: '2.0.0' })
  expect((await show('gw-1')).body.version).toBe('1.0.0')
  expect((await show('gw-1', acmeEdge)).body.version).toBe('2.0.0')
  expect((await service.call<{ items: Gateway[] }>('/v1/gateways', acmeEdge)).body.items.map(({ id }) => id)).toEqual(['gw-1'])
})

test('the fleet is listed in the order of first registration, page by page, whatever names it has', async () => {
  const token = await service.platform.token('gateway fleet:read', { client_id: 'pages', tenant: 'acme' })
  const long = '長'.repeat(200)
  for (const id of ['p1', encodeURIComponent(long), 'p3']) await put(id, token)
  await put('p1', token)
  const all: string[] = []
  let query = '?limit=1'
  for (let page = 0; page < 9; page += 1) {
    const { body } = await service.call<{ items: Gateway[]; nextCursor: string | null }>(`/v1/gateways${query}`, token)
    all.push(...body.items.map(({ id }) => id))
    if (body.nextCursor === null) break
    query = `?limit=1&cursor=${body.nextCursor}`
  }
  expect(all).toEqual(['gw-1', 'p1', long, 'p3'])
})

test.each([[{}], [{ ...registration, budgetMs: 0 }], [{ ...registration, posture: 'maybe' }], [{ ...registration, more: 1 }]])('%j is no registration', async (body) => {
  const answer = await put<ProblemDocument>('gw-x', edge, body)
  expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid'])
})

test('only gateways register, and the fleet is not everybody\'s to see', async () => {
  expect((await put('gw-y', fleet)).status).toBe(403)
  expect((await show('gw-1', edge)).status).toBe(403)
})
