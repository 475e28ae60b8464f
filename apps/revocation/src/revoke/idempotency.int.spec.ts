import type { ProblemDocument, Revocation } from '@curfew/contracts'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { HandFeed } from '../hand-feed.contract.js'
import { revocationsOn, runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let one: RunningService
let two: RunningService
let token: string
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  one = await runningService({ bus: feed, databaseUrl: database.url })
  two = await runningService({ bus: feed, databaseUrl: database.url }, one.platform)
  token = await one.platform.token('revocations:write revocations:read')
})
afterAll(async () => {
  await Promise.all([one.services.close(), two.services.close()])
  await database.drop()
})
afterEach(() => feed.become('works'))

const subject = (sub: string) => ({ scope: { kind: 'subject', sub } })
const keyed = (key: string) => ({ 'idempotency-key': key })

test('the same key and body are one revocation, however many ask at once and wherever', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? one : two).revoke(token, subject('alice'), '', keyed('k1'))))
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 201))
  const { body: { items } } = await one.call<{ items: Revocation[] }>('/v1/revocations?sub=alice', token)
  expect(items).toHaveLength(1)
  expect(new Set(revocationsOn(feed.records).filter(({ scope }) => scope.kind === 'subject' && scope.sub === 'alice').map(({ id }) => id)).size).toBe(1)
})

test('the order of a body\'s members makes no other request', async () => {
  const first = await one.revoke(token, { scope: { kind: 'subject', sub: 'order' }, reason: { code: 'r' } }, '', keyed('k2'))
  const second = await two.revoke(token, { reason: { code: 'r' }, scope: { sub: 'order', kind: 'subject' } }, '', keyed('k2'))
  expect(second.body.id).toBe(first.body.id)
})

test('the same key with another body is refused, and revokes nothing', async () => {
  await one.revoke(token, subject('bob'), '', keyed('k3'))
  const answer = await two.call<ProblemDocument>('/v1/revocations', token, { method: 'POST', body: subject('carol'), headers: keyed('k3') })
  expect([answer.status, answer.body.code]).toEqual([422, 'idempotency.mismatch'])
  expect((await one.call<{ items: Revocation[] }>('/v1/revocations?sub=carol', token)).body.items).toEqual([])
})

test('a key is its client\'s own, and so is its tenant', async () => {
  const other = await one.platform.token('revocations:write', { client_id: 'other' })
  const elsewhere = await one.platform.token('revocations:write', { tenant: 'acme' })
  const ids = await Promise.all([token, other, elsewhere].map(async (each) => (await one.revoke(each, subject('dave'), '', keyed('k4'))).body.id))
  expect(new Set(ids).size).toBe(3)
})

test('a refused request leaves its key free', async () => {
  expect((await one.revoke(token, { scope: { kind: 'session', id: 's' }, except: ['s'] }, '', keyed('k5'))).status).toBe(422)
  expect((await one.revoke(token, { scope: { kind: 'session', id: 's' } }, '', keyed('k5'))).status).toBe(201)
})

test('a repeat says how far the first one has come by now, and waits as it was asked to', async () => {
  feed.become('away')
  const first = await one.revoke(token, subject('erin'), '?timeoutMs=50', keyed('k6'))
  const early = await two.revoke(token, subject('erin'), '?timeoutMs=50', keyed('k6'))
  expect([first.status, early.status, early.body.state, early.body.id]).toEqual([202, 202, 'accepted', first.body.id])
  const waiting = two.revoke(token, subject('erin'), '?timeoutMs=20000', keyed('k6'))
  feed.become('works')
  const late = await waiting
  expect([late.status, late.body.state, late.body.id]).toEqual([201, 'published', first.body.id])
  expect(late.body.publishedAt).toBeDefined()
})

test.each([['nothing', ''], ['two words', 'two words'], ['more than 255 characters', 'x'.repeat(256)]])('%s is no key', async (_, key) => {
  const answer = await one.call<ProblemDocument>('/v1/revocations', token, { method: 'POST', body: subject('x'), headers: keyed(key) })
  expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid'])
})

test('without a key every request is a revocation of its own', async () => {
  const ids = await Promise.all([1, 2, 3].map(async () => (await one.revoke(token, subject('frank'))).body.id))
  expect(new Set(ids).size).toBe(3)
  await until(() => new Set(revocationsOn(feed.records).filter(({ id }) => ids.includes(id)).map(({ id }) => id)).size === 3, { timeoutMs: 5_000, what: 'all three on the feed' })
})

describe('what the shared memory hints at', () => {
  const hints = (): { name: string; value: string }[] => {
    const put = jest.mocked(one.platform.memory.put)
    return put.mock.calls.filter(([name]) => name.startsWith('revoked:')).map(([name, value]) => ({ name, value }))
  }
  beforeEach(() => void jest.spyOn(one.platform.memory, 'put'))

  test('a repeat is answered by it, and names neither key nor client there', async () => {
    const first = await one.revoke(token, subject('erin'), '', keyed('hinted-key'))
    const [hint] = hints()
    expect(hint?.value).toBe(first.body.id)
    expect(hint?.name).not.toContain('hinted-key')
    expect((await two.revoke(token, subject('erin'), '', keyed('hinted-key'))).body).toMatchObject({ id: first.body.id, state: 'published' })
  })

  test('a hint that is wrong decides nothing', async () => {
    const stranger = await one.revoke(token, subject('frank'))
    const first = await one.revoke(token, subject('grace'), '', keyed('poisoned'))
    const { name } = hints().at(-1) as { name: string }
    for (const lie of [stranger.body.id, 'x', '01a20cbb-8ba1-7648-a493-a134ed446f20']) {
      await one.platform.memory.put(name, lie, 60_000)
      expect((await two.revoke(token, subject('grace'), '', keyed('poisoned'))).body.id).toBe(first.body.id)
    }
  })

  test('a memory that fails costs the ordinary path', async () => {
    const failing = jest.spyOn(one.platform.memory, 'get').mockRejectedValue(new Error('away'))
    const ids = await Promise.all([one, two].map(async (each) => (await each.revoke(token, subject('heidi'), '', keyed('k-away'))).body.id))
    expect(new Set(ids).size).toBe(1)
    expect(failing).toHaveBeenCalled()
  })
})
