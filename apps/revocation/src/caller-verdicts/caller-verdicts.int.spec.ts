import { MapDenylist, type Hop, type TokenFacts } from '@curfew/denylist'
import { requestedScope, type ProblemDocument } from '@curfew/contracts'
import { defaultTenant, instant, type TenantId } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { testPlatform } from '@curfew/service-kit/testing'
import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { openFeedSigner } from '../feed-key/feed-key.handler.js'
import { HandFeed } from '../hand-feed.contract.js'
import { RevokeHandler } from '../revoke/revoke.handler.js'
import { runningService, type RunningService } from '../running-service.contract.js'
import { CallerVerdictsStore } from '../store/caller-verdicts.store.js'
import { FeedKeyStore } from '../store/feed-key.store.js'
import { FeedTopicStore } from '../store/feed-topic.store.js'
import { openRevocationDatabase } from '../store/revocation-database.adapter.js'
import { RevocationsStore } from '../store/revocations.store.js'
import { DatabaseCallerVerdicts } from './database-caller-verdicts.adapter.js'

describe('over HTTP', () => {
  let database: FreshDatabase
  let service: RunningService
  let second: RunningService
  const feed = new HandFeed()

  beforeAll(async () => {
    database = await freshDatabase()
    service = await runningService({ bus: feed, databaseUrl: database.url })
    second = await runningService({ bus: feed, databaseUrl: database.url }, service.platform)
  })
  afterAll(async () => {
    await Promise.all([service.services.close(), second.services.close()])
    await database.drop()
  })

  test('a revoked caller is refused at once, by every instance, also while the log is away', async () => {
    feed.become('away')
    const admin = await service.platform.token('admin')
    const caller = await service.platform.token('revocations:read', { client_id: 'stolen', sub: 'stolen' })
    expect((await second.call('/v1/revocations', caller)).status).toBe(200)
    expect((await service.revoke(admin, { scope: { kind: 'client', clientId: 'stolen' } }, '?wait=accepted')).status).toBe(201)
    for (const instance of [service, second]) {
      const { status, body } = await instance.call<ProblemDocument>('/v1/revocations', caller)
      expect([status, body.code]).toEqual([401, 'auth.invalid'])
    }
    feed.become('works')
  })

  test('a key named in one tenant is dead there only, and one that is named in every tenant in all of them', async () => {
    const [admin, reader] = await Promise.all(['admin', 'revocations:read'].map((scope) => service.platform.token(scope, { client_id: scope })))
    const acmeAdmin = await service.platform.token('admin', { tenant: 'acme', client_id: 'acme-admin' })
    const acmeReader = await service.platform.token('revocations:read', { tenant: 'acme', client_id: 'acme-reader' })
    const reached = async (...tokens: (string | undefined)[]) => Promise.all(tokens.map(async (token) => (await second.call('/v1/revocations', token)).status))
    await service.revoke(admin ?? '', { scope: { kind: 'key', kid: 'other', everyTenant: true } })
    expect(await reached(reader, acmeReader)).toEqual([200, 200])
    await service.revoke(acmeAdmin, { scope: { kind: 'key', kid: 'test' } })
    expect(await reached(reader, acmeReader)).toEqual([200, 401])
    await service.revoke(admin ?? '', { scope: { kind: 'key', kid: 'test', everyTenant: true } })
    expect(await reached(reader, admin)).toEqual([401, 401])
  })
})

describe('what the database says', () => {
  let server: FreshDatabase
  let database: Database
  let handler: RevokeHandler
  let verdicts: DatabaseCallerVerdicts
  const model = new MapDenylist()
  const acme = 'acme' as TenantId
  const platform = testPlatform({ bus: new HandFeed() })

  beforeAll(async () => {
    server = await freshDatabase()
    database = await openRevocationDatabase({ ...platform, databaseUrl: server.url }, platform.bus.publisher)
    await database.transactEverywhere((tx) => new FeedTopicStore('curfew.revocations.v1').begin(tx, 3))
    const signer: FeedSigner = await openFeedSigner(database, new FeedKeyStore(), platform.secrets)
    handler = new RevokeHandler(database, new RevocationsStore(), signer, { defaultIssuer: 'i', limits: { maxSessionAgeMs: 1e9, leewayMs: 0, skewMs: 0 } }, platform.clock)
    verdicts = new DatabaseCallerVerdicts(database, new CallerVerdictsStore())
  })
  afterAll(async () => {
    await database.close()
    await server.drop()
  })

  const name = fc.constantFrom('a', 'b', 'c')
  const at = fc.nat(6).map((step) => 1_700_000_000_000 + step * 1_000)
  const absolute = [fc.record({ kind: fc.constant('session' as const), id: name }), fc.record({ kind: fc.constant('token' as const), jti: name }), fc.record({ kind: fc.constant('key' as const), kid: name, everyTenant: fc.boolean() })]
  const wide = [
    fc.record({ kind: fc.constant('subject' as const), sub: name, issuer: fc.constantFrom('i', '*') }), fc.record({ kind: fc.constant('client' as const), clientId: name }),
    fc.record({ kind: fc.constant('agent' as const), agentId: name }), fc.record({ kind: fc.constant('grant' as const), grantId: name }),
  ]
  const request = fc.oneof(
    fc.record({ scope: fc.oneof(...absolute) }),
    fc.record({ scope: fc.tuple(fc.oneof(...wide), at).map(([scope, ms]) => ({ ...scope, issuedBefore: new Date(ms).toISOString() })), except: fc.uniqueArray(name) }),
  )
  const revocations = fc.array(fc.record({ tenant: fc.constantFrom(defaultTenant, acme), request }), { minLength: 1, maxLength: 4 })
  const optional = fc.option(name, { nil: undefined })
  const hop: fc.Arbitrary<Hop> = fc.record({
    issuer: fc.constant('i'), sub: optional, sessionId: optional, clientId: optional, agentId: optional, grantId: optional, jti: fc.constantFrom('x', 'a'), kid: fc.constantFrom('x', 'y', 'c'),
  })
  const facts: fc.Arbitrary<TokenFacts> = fc.record({
    tenant: fc.constantFrom(defaultTenant, acme), hops: fc.array(hop, { minLength: 1, maxLength: 3 }) as fc.Arbitrary<never>, beganAt: at.map(instant), expiresAt: fc.constant(instant(2e12)),
  })

  test('is what the merged denylist says, whatever was revoked and whoever asks', async () => {
    let dead = 0
    let asked = 0
    await fc.assert(fc.asyncProperty(revocations, fc.array(facts, { minLength: 5, maxLength: 10 }), async (some, callers) => {
      for (const { tenant, request: body } of some) {
        const { revocation: { record } } = await handler.handle({ id: randomUUID(), tenant, request: { ...body, scope: requestedScope.parse(body.scope) }, initiator: { kind: 'client', id: 'c' } })
        model.apply({
          tenant: record.everyTenant === true ? '*' : tenant, scope: record.scope, cutoff: record.cutoff === null ? null : instant(Date.parse(record.cutoff)), except: record.except, forgetAfter: instant(Date.parse(record.forgetAfter)),
        })
      }
      for (const caller of callers) {
        const verdict = await verdicts.verdictOn(caller)
        expect(verdict).toBe(model.verdictOn(caller, platform.clock.now()))
        asked += 1
        if (verdict === 'revoked') dead += 1
      }
    }), { numRuns: 25, seed: 7 })
    // The revocations pile up: a run in which nobody lived, or nobody died, would have shown nothing.
    expect(dead).toBeGreaterThan(10)
    expect(asked - dead).toBeGreaterThan(10)
  }, 60_000)
})
