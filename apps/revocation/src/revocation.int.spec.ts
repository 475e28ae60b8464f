import { decodeEvent, encodeEvent, eventKey, kafkaBus, type BusRecord, type MessageBus } from '@curfew/bus'
import { events, topicCatalogue, topics, type ProblemDocument, type PublicJwk, type Revocation, type RevocationCommand, type SnapshotDocument, type WatermarkRecord } from '@curfew/contracts'
import { feedKeys, isSigned } from '@curfew/feed'
import { testPlatform } from '@curfew/service-kit/testing'
import { freshDatabase, kafkaBrokers, ownKafka, ownPostgres, topicPrefix, until, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { HandFeed } from './hand-feed.contract.js'
import { runningService, type RunningService } from './running-service.contract.js'

const { log } = testPlatform()

describe('on real Kafka and PostgreSQL', () => {
  let database: FreshDatabase
  let bus: MessageBus
  let service: RunningService
  let admin: string
  const read: BusRecord[] = []
  let stopReading: () => Promise<void>

  beforeAll(async () => {
    database = await freshDatabase()
    bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'revocation-spec', log, topicPrefix: topicPrefix() })
    await bus.topics.apply(topicCatalogue)
    service = await runningService({ bus, databaseUrl: database.url })
    admin = await service.platform.token('admin')
    const tail = await bus.feed.tail({
      topic: topics.revocations.name, from: await bus.feed.startOffsets(topics.revocations.name),
      onBatch: (_, records) => void read.push(...records), onLost: (reason) => log.error({ reason }, 'the tail was lost'),
    })
    stopReading = () => tail.close()
  }, 60_000)
  afterAll(async () => {
    await stopReading()
    await service.services.close()
    await bus.close()
    await database.drop()
  }, 60_000)

  const recordOf = (id: string) => until(() => read.find(({ headers }) => headers['ce_id'] === id), { timeoutMs: 10_000, what: 'the record' })

  test('a revocation is on the log, signed, in the partition of its key, when the call answers', async () => {
    const { status, body } = await service.revoke(admin, { scope: { kind: 'subject', sub: 'alice' } })
    expect([status, body.state]).toEqual([201, 'published'])
    const record = await recordOf(body.id)
    const event = decodeEvent(record)
    const { body: terms } = await service.call<{ feed: { keys: PublicJwk[] } }>('/v1/denylist/terms', undefined)
    const parts = { topic: record.topic, id: event.id, source: event.source, type: event.type, tenant: event.tenant, value: record.value as Buffer }
    expect(isSigned(parts, event.signature, feedKeys(terms.feed.keys))).toBe(true)
    expect([event.spec, record.key]).toEqual([events.revocationDecided, '["default","subject","https://curfew.test","alice"]'])
  })

  test('watermarks stand in every partition, above what was accepted before them', async () => {
    const { body } = await service.revoke(admin, { scope: { kind: 'device', deviceId: 'lost' } })
    const marks = () => read.map((record) => ({ record, event: decodeEvent(record) })).filter(({ event }) => event.spec === events.watermarkAdvanced)
      .map(({ record, event }) => ({ ...record, at: Date.parse((event.data as WatermarkRecord).at) }))
    const answeredAt = Date.now()
    await until(() => new Set(marks().filter(({ at }) => at > answeredAt).map(({ partition }) => partition)).size === topics.revocations.partitions, { timeoutMs: 10_000, what: 'a watermark in each' })
    const { partition, offset } = await recordOf(body.id)
    expect(marks().filter((mark) => mark.partition === partition && mark.at > answeredAt).every((mark) => mark.offset > offset)).toBe(true)
  })

  test('a snapshot covers the log up to its positions', async () => {
    const { body } = await service.revoke(admin, { scope: { kind: 'client', clientId: 'web' } })
    const { partition, offset } = await recordOf(body.id)
    const snapshot = await until(async () => {
      const answer = await service.call<SnapshotDocument>('/v1/denylist/snapshot', admin)
      return BigInt(answer.body.positions[partition] ?? '0') > offset ? answer.body : undefined
    }, { timeoutMs: 10_000, what: 'a snapshot past it' })
    expect(snapshot.denylist.entries.map(({ selector }) => selector)).toContain('["default","client","web"]')
  })

  test('a command from the topic is decided and published', async () => {
    const command: RevocationCommand = { id: randomUUID(), scope: { kind: 'grant', grantId: 'g' }, initiator: { kind: 'service', id: 'session' } }
    const record = encodeEvent(events.revocationRequested, eventKey('default', 'grant', 'g'), { id: randomUUID(), source: '/session', tenant: 'default' }, command)
    await bus.publisher.publish([record, record])
    expect(decodeEvent(await recordOf(command.id)).data).toMatchObject({ id: command.id, initiator: command.initiator })
  })
})

describe('when Kafka stops', () => {
  test('revocations are accepted within their time, and published when it is back', async () => {
    const database = await freshDatabase()
    const kafka = await ownKafka()
    const bus = kafkaBus({ brokers: kafka.brokers, clientId: 'revocation-spec', log })
    await until(() => bus.topics.apply(topicCatalogue).then(() => true), { timeoutMs: 20_000, what: 'the topics' })
    const service = await runningService({ bus, databaseUrl: database.url })
    const admin = await service.platform.token('admin')
    expect((await service.revoke(admin, { scope: { kind: 'subject', sub: 'before' } })).status).toBe(201)
    await kafka.kill()
    const answers = await Promise.all(['a', 'b', 'c'].map((sub) => service.revoke(admin, { scope: { kind: 'subject', sub } }, '?timeoutMs=300')))
    expect(answers.map(({ status, body }) => [status, body.state])).toEqual([1, 2, 3].map(() => [202, 'accepted']))
    await kafka.start()
    for (const { body } of answers) {
      await until(async () => (await service.call<Revocation>(body.links.self, admin)).body.state === 'published', { timeoutMs: 60_000, what: 'the backlog to drain' })
    }
    await service.services.close()
    await bus.close()
    await kafka.close()
    await database.drop()
  }, 120_000)
})

describe('when it starts while the log is away', () => {
  let database: FreshDatabase
  let service: RunningService
  const feed = new HandFeed()

  beforeAll(async () => {
    database = await freshDatabase()
    feed.mode = 'away'
    service = await runningService({ bus: feed, databaseUrl: database.url })
  })
  afterAll(async () => {
    await service.services.close()
    await database.drop()
  })

  test('revocations are accepted, what needs the log says so, and everything follows when it is there', async () => {
    const admin = await service.platform.token('admin')
    const { status, body } = await service.revoke(admin, { scope: { kind: 'subject', sub: 'alice' } }, '?timeoutMs=10')
    expect([status, body.state]).toEqual([202, 'accepted'])
    const registration = { method: 'PUT', body: { version: '1', budgetMs: 60_000, posture: 'deny' } }
    for (const [path, options] of [['/v1/denylist/terms', {}], ['/v1/denylist/snapshot', {}], ['/v1/gateways/gw', registration]] as const) {
      const answer = await service.call<ProblemDocument>(path, admin, options)
      expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'dependency.unavailable'])
    }
    feed.become('works')
    await until(async () => (await service.call<Revocation>(body.links.self, admin)).body.state === 'published', { timeoutMs: 10_000, what: 'it to be published' })
    await until(async () => (await service.call('/v1/gateways/gw', admin, registration)).status === 201, { timeoutMs: 10_000, what: 'gateways to be taken' })
  })
})

describe('when an instance dies between commit and publish', () => {
  test('another one publishes what it left, once in effect', async () => {
    const database = await freshDatabase()
    const log = new HandFeed()
    const dying = log.another()
    const one = await runningService({ bus: dying, databaseUrl: database.url })
    const two = await runningService({ bus: log, databaseUrl: database.url }, one.platform)
    const admin = await one.platform.token('admin')
    // From here on nothing that this one sends arrives anywhere: as if it had been killed right after the commit.
    dying.become('hangs')
    const { body } = await one.revoke(admin, { scope: { kind: 'subject', sub: 'alice' } }, '?timeoutMs=0')
    expect(body.state).toBe('accepted')
    await until(async () => (await two.call<Revocation>(body.links.self, admin)).body.state === 'published', { timeoutMs: 10_000, what: 'the other to publish it' })
    // More than one record of it may be there, from the sweeper and from the loop: they are one to the byte, so merging makes them one.
    expect(new Set(log.records.filter(({ headers }) => headers['ce_id'] === body.id).map(({ value }) => value?.toString())).size).toBe(1)
    dying.become('away')
    await Promise.all([one.services.close(), two.services.close()])
    await database.drop()
  }, 30_000)
})

describe('when PostgreSQL is down', () => {
  test('it answers 503 with Retry-After, leaves nothing half done, and works again when it is back', async () => {
    const postgres = await ownPostgres()
    const feed = new HandFeed()
    const service = await runningService({ bus: feed, databaseUrl: postgres.url })
    const admin = await service.platform.token('admin')
    const body = { scope: { kind: 'subject', sub: 'alice' } }
    expect((await service.revoke(admin, body)).status).toBe(201)
    await postgres.kill()
    const before = feed.records.length
    for (const [path, method] of [['/v1/revocations', 'POST'], ['/v1/revocations', 'GET'], ['/v1/gateways', 'GET']] as const) {
      const answer = await service.call<ProblemDocument>(path, admin, { method, ...(method === 'POST' ? { body } : {}) })
      expect([path, answer.status, answer.body.code, Number(answer.headers.get('retry-after')) > 0]).toEqual([path, 503, 'dependency.unavailable', true])
    }
    expect((await service.call('/readyz', undefined)).status).toBe(503)
    expect(feed.records.length).toBe(before)
    await postgres.start()
    await until(async () => (await service.revoke(admin, body)).status === 201, { timeoutMs: 20_000, what: 'revocations to be accepted again' })
    await service.services.close()
    await postgres.close()
  }, 60_000)
})
