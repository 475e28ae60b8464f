import { denylistSnapshot, requestedScope, type ProblemDocument, type PublicJwk, type RevocationRecord, type SnapshotDocument } from '@curfew/contracts'
import { MapDenylist, type DenylistSnapshot } from '@curfew/denylist'
import { feedKeys, isSigned } from '@curfew/feed'
import { instant, type TenantId } from '@curfew/kernel'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { HandFeed } from '../hand-feed.contract.js'
import { revocationsOn, runningService, type RunningService } from '../running-service.contract.js'

let database: FreshDatabase
let service: RunningService
let admin: string
let edge: string
let sql: Client
const feed = new HandFeed()

beforeAll(async () => {
  database = await freshDatabase()
  service = await runningService({ bus: feed, databaseUrl: database.url })
  // Tokens that began after every cutoff below, so that they outlive what this spec revokes.
  const later = { began_at: Date.now() + 4_000 }
  admin = await service.platform.token('admin', later)
  edge = await service.platform.token('gateway', later)
  sql = new Client({ connectionString: database.url })
  await sql.connect()
})
afterAll(async () => {
  await sql.end()
  await service.services.close()
  await database.drop()
})

const take = (headers = {}) => service.call<SnapshotDocument>('/v1/denylist/snapshot', edge, { headers })
/** A snapshot built after now: what is shared is at most a second old. */
const takeFresh = async () => {
  const { body: { takenAt } } = await take()
  return until(async () => {
    const answer = await take()
    return answer.body.takenAt === takenAt ? undefined : answer
  }, { timeoutMs: 5_000, what: 'a new snapshot' })
}
const applied = (model: MapDenylist, record: RevocationRecord): void => model.apply({
  tenant: record.everyTenant === true ? '*' : (record.tenant as TenantId), scope: record.scope, except: record.except,
  cutoff: record.cutoff === null ? null : instant(Date.parse(record.cutoff)), forgetAfter: instant(Date.parse(record.forgetAfter)),
})
const sorted = ({ denylist }: SnapshotDocument): DenylistSnapshot => MapDenylist.restore(denylist as unknown as DenylistSnapshot).snapshot()

/** Young enough to be kept, and old enough to spare the tokens of this spec. */
const cutoffs = Date.now() - 3_600_000
const name = fc.constantFrom('a', 'b', 'c')
const wide = fc.oneof(fc.record({ kind: fc.constant('subject' as const), sub: name }), fc.record({ kind: fc.constant('device' as const), deviceId: name }), fc.record({ kind: fc.constant('agent' as const), agentId: name }))
const request = fc.oneof(
  fc.record({ scope: fc.record({ kind: fc.constant('session' as const), id: name }) }),
  fc.record({ scope: fc.record({ kind: fc.constant('key' as const), kid: name, everyTenant: fc.boolean() }) }),
  fc.record({ scope: fc.tuple(wide, fc.nat(5)).map(([scope, step]) => ({ ...scope, issuedBefore: new Date(cutoffs + step * 1_000).toISOString() })), except: fc.uniqueArray(name) }),
)

test('it is what every revocation merges to, whatever was revoked, and covers their records', async () => {
  const bodies = fc.sample(fc.tuple(request, fc.constantFrom('default', 'acme')), { numRuns: 80, seed: 11 })
  for (const [body, tenant] of bodies) {
    expect((await service.revoke(admin, { ...body, scope: requestedScope.parse(body.scope) }, '?wait=accepted', { 'curfew-tenant': tenant })).status).toBe(201)
  }
  const { body, status } = await takeFresh()
  expect([status, denylistSnapshot.parse(body)]).toEqual([200, body])
  await until(() => new Set(revocationsOn(feed.records).map(({ id }) => id)).size === bodies.length, { timeoutMs: 10_000, what: 'all of them on the feed' })
  const model = new MapDenylist()
  for (const record of revocationsOn(feed.records)) applied(model, record)
  expect(sorted(body)).toEqual(model.snapshot())
  expect(body.topicId).toBe(feed.incarnation)
  expect(body.positions).toHaveLength(3)
})

test('an entry for each selector, and no selector twice', async () => {
  const { denylist: { entries } } = (await take()).body
  expect(new Set(entries.map(({ selector }) => selector)).size).toBe(entries.length)
})

test('a snapshot and the records from its positions on are everything, whenever it was taken', async () => {
  let isDone = false
  const writing = (async () => {
    for (let n = 0; n < 60; n += 1) await service.revoke(admin, { scope: { kind: 'device', deviceId: `d${n}` } }, '?wait=accepted')
    isDone = true
  })()
  const taken: SnapshotDocument[] = []
  while (!isDone) taken.push((await take()).body)
  await writing
  await until(() => revocationsOn(feed.records).some(({ scope }) => scope.kind === 'device' && scope.deviceId === 'd59'), { timeoutMs: 5_000, what: 'the last on the feed' })
  const last = await takeFresh()
  for (const { denylist, positions } of [...taken, last.body]) {
    const reader = MapDenylist.restore(denylist as unknown as DenylistSnapshot)
    positions.forEach((from, partition) => revocationsOn(feed.partition(partition).slice(Number(from))).forEach((record) => applied(reader, record)))
    const whole = MapDenylist.restore(last.body.denylist as unknown as DenylistSnapshot)
    expect(reader.snapshot()).toEqual(whole.snapshot())
  }
})

test('its signature and tag are of its text, which is the same whether it is sent compressed or not', async () => {
  const { body: terms } = await service.call<{ feed: { keys: PublicJwk[] } }>('/v1/denylist/terms', undefined)
  const url = `${service.services.url}/v1/denylist/snapshot`
  const authorization = `Bearer ${edge}`
  for (const encoding of ['gzip', 'identity', 'br, gzip;q=0.5', 'gzip;q=0']) {
    const response = await fetch(url, { headers: { authorization, 'accept-encoding': encoding } })
    const value = Buffer.from(await response.arrayBuffer())
    const etag = response.headers.get('etag') ?? ''
    const parts = { topic: 'curfew.revocations.v1', id: etag, source: 'snapshot', type: 'curfew.denylist.snapshot', tenant: '*', value }
    expect(isSigned(parts, response.headers.get('curfew-signature') ?? undefined, feedKeys(terms.feed.keys))).toBe(true)
    expect(isSigned({ ...parts, value: Buffer.concat([value, Buffer.from(' ')]) }, response.headers.get('curfew-signature') ?? undefined, feedKeys(terms.feed.keys))).toBe(false)
    expect(response.headers.get('content-encoding')).toBe(/gzip(?!;q=0$)/.test(encoding) ? 'gzip' : null)
  }
})

test('who has it already is told so', async () => {
  await takeFresh()
  const { headers } = await take()
  const etag = headers.get('etag') ?? ''
  for (const known of [etag, `"other", W/${etag}`, '*']) {
    const again = await take({ 'if-none-match': known })
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, undefined, etag])
  }
  expect((await take({ 'if-none-match': '"other"' })).status).toBe(200)
})

test('all who ask at once get one snapshot', async () => {
  const tags = await Promise.all(Array.from({ length: 10 }, async () => (await take()).headers.get('etag')))
  expect(new Set(tags).size).toBe(1)
})

test('what is past its time and the margin is left out; the record of it stays', async () => {
  const { body: revoked } = await service.revoke(admin, { scope: { kind: 'grant', grantId: 'old' } })
  const names = async () => (await takeFresh()).body.denylist.entries.map(({ selector }) => selector)
  const age = (ms: number) => sql.query(`UPDATE curfew_revocation.revocations SET forget_after = clock_timestamp() - $2::float8 * interval '1 millisecond' WHERE id = $1`, [revoked.id, ms])
  await age(3_500_000)
  expect(await names()).toContain('["default","grant","old"]')
  await age(3_700_000)
  expect(await names()).not.toContain('["default","grant","old"]')
  expect((await service.call(revoked.links.self, admin)).status).toBe(200)
})

test('while the log is away there is none, and it says when to come again', async () => {
  await takeFresh()
  feed.become('away')
  const answer = await until(async () => {
    const each = await service.call<ProblemDocument>('/v1/denylist/snapshot', edge)
    return each.status === 200 ? undefined : each
  }, { timeoutMs: 5_000, what: 'the shared one to age' })
  feed.become('works')
  expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([503, 'dependency.unavailable', '1'])
})

test('it is for gateways', async () => {
  expect((await service.call('/v1/denylist/snapshot', await service.platform.token('fleet:read', { began_at: Date.now() + 4_000 }))).status).toBe(403)
})
