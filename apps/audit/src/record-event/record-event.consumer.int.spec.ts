import { encodeEvent, eventKey, kafkaBus, type BusRecord, type MessageBus } from '@curfew/bus'
import { events, parkedTopicOf, topicCatalogue, topics, type AuditEvent, type EventSpec } from '@curfew/contracts'
import { freshDatabase, kafkaBrokers, ownPostgres, topicPrefix, until, type FreshDatabase } from '@curfew/testing'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { runningService, type RunningService } from '../running-service.contract.js'
import { recordedTopics } from './record-event.consumer.js'

const prefix = topicPrefix()
const parked: BusRecord[] = []
const buses: MessageBus[] = []
let producer: Producer
let database: FreshDatabase
let service: RunningService
let ours: MessageBus

const openBus = (topicPrefix = prefix): MessageBus => {
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'audit-spec', log: pino({ level: 'silent' }), topicPrefix })
  buses.push(bus)
  return bus
}

beforeAll(async () => {
  database = await freshDatabase()
  ours = openBus()
  await ours.topics.apply(topicCatalogue)
  await ours.consume({ group: 'spec', topics: recordedTopics.map(parkedTopicOf), onRecord: (record) => Promise.resolve(void parked.push(record)) })
  producer = new Kafka({ brokers: kafkaBrokers(), clientId: 'identity-team', logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  service = await runningService({ bus: openBus(), databaseUrl: database.url })
}, 60_000)
afterAll(async () => {
  await service.services.close()
  await producer.disconnect()
  await Promise.all(buses.map((bus) => bus.close()))
  await database.drop()
})

const patience = { timeoutMs: 30_000 }
const at = '2026-11-23T20:15:04.000Z'
const alice = { issuer: 'https://idp.test', sub: 'alice' }
const initiator = { kind: 'client', id: 'ops' } as const
const reason = { code: 'test' }
const sid = randomUUID()
const revocationId = randomUUID()

/** One of each kind that is kept. */
const oneOfEach: [EventSpec, unknown, string?][] = [
  [events.signal, { subject: alice, occurredAt: at }, 'curfew.lifecycle.offboarded'],
  [events.revocationRequested, { id: revocationId, scope: { kind: 'session', id: sid }, initiator, reason }],
  [events.quarantineRequested, { id: randomUUID(), agentId: 'a', quarantined: true, initiator }],
  [events.revocationDecided, { id: revocationId, tenant: 'default', scope: { kind: 'session', id: sid }, cutoff: null, except: [], decidedAt: at, forgetAfter: at, reason, initiator }],
  [events.quarantineChanged, { tenant: 'default', agentId: 'a', version: 1, quarantined: true, forgetAfter: at, initiator, reason }],
  [events.sessionStarted, { tenant: 'default', sessionHash: 'h', parentHash: null, subject: alice, clientId: 'web', kind: 'person', deviceId: null, agentId: null, grantId: null, beganAt: at, expiresAt: at, initiator }],
  [events.sessionEnded, { tenant: 'default', sessionHash: 'h', subject: alice, endedAt: at, reason: 'test', revocationId }],
  [events.subjectChanged, { tenant: 'default', subject: alice, status: 'disabled', version: 1, at }],
  [events.activityObserved, { tenant: 'default', sessionId: sid, lastActiveAt: at, requests: 1 }],
  [events.enforcementApplied, { gatewayId: 'g1', topicId: 't', positions: ['1'], watermark: at, stalenessMs: 1, entries: 1 }],
]
const publish = (bus: MessageBus, spec: EventSpec, data: unknown, id: string, type?: string) =>
  bus.publisher.publish([encodeEvent(spec, eventKey('default', id), { id, source: 'urn:test', tenant: 'default' }, data, type)])
const subjectEvent = (n: number, sub: string): [EventSpec, unknown, string] => [events.subjectChanged, { tenant: 'default', subject: { ...alice, sub }, status: 'enabled', version: n + 1, at }, `${sub}-${n}`]

const found = async (query: Record<string, string>, from = service): Promise<AuditEvent[]> => {
  const answer = await from.get<{ items: AuditEvent[] }>(`/v1/audit/events?${new URLSearchParams({ limit: '500', ...query })}`, await from.platform.token('audit:read'))
  return answer.body.items
}

test('every kind of event on every topic is recorded, whatever the order it arrives in, and watermarks are not', async () => {
  await publish(ours, events.watermarkAdvanced, { at, partitions: 3 }, 'w1')
  const order = [9, 3, 0, 6, 1, 8, 2, 5, 7, 4, 3, 3, 0]
  for (const place of order) await publish(ours, ...firstTwo(oneOfEach[place]!), `one-${place}`, oneOfEach[place]![2])
  await until(async () => (await found({})).length >= oneOfEach.length, { ...patience, what: 'one of each kind' })
  const kinds = (await found({})).map(({ kind }) => kind).sort()
  expect(kinds).toEqual(oneOfEach.map(([spec, , type]) => type ?? spec.type).sort())
  expect((await found({ revocationId })).map(({ kind }) => kind).sort()).toEqual(['curfew.revocation.decided', 'curfew.revocation.requested', 'curfew.session.ended'])
  expect((await found({ sessionId: sid })).map(({ kind }) => kind).sort()).toEqual(['curfew.activity.observed', 'curfew.revocation.decided', 'curfew.revocation.requested'])
  expect(parked).toEqual([])
})

test('a record of a client that is not ours is recorded; its garbage is parked with a reason, and the stream goes on', async () => {
  const send = (value: string | null, headers: Record<string, string>) => producer.send({ topic: `${prefix}${topics.lifecycle.name}`, messages: [{ key: 'plain', value, headers }] })
  const headers = { ce_specversion: '1.0', ce_id: 'plain', ce_source: 'urn:hr', ce_type: 'curfew.lifecycle.sign_out' }
  const text = (sub: string) => JSON.stringify({ subject: { sub }, occurredAt: at, details: { sessionId: sid } })
  await send('not JSON', headers)
  await send(null, { ...headers, ce_id: 'null' })
  await send(text('x'), {})
  await send(text('x'), { ...headers, ce_id: 'v9', ce_dataschema: 'https://curfew.dev/schemas/curfew.lifecycle.sign_out/9' })
  await send(text('x'), { ...headers, ce_id: 'nowhere', ce_tenant: 'nowhere' })
  await send(JSON.stringify({ subject: { sub: 'x' }, occurredAt: at, details: { pad: 'x'.repeat(5_000_000) } }), { ...headers, ce_id: 'large' })
  await send(text('plain'), headers)
  await send(text('other'), headers)
  await send(text('after'), { ...headers, ce_id: 'after' })
  await until(async () => (await found({ sub: 'after' })).length === 1, { ...patience, what: 'what came after the garbage' })
  expect((await found({ sub: 'plain' }))[0]).toMatchObject({ tenant: 'default', actor: { kind: 'signal', id: 'urn:hr' }, source: { eventId: 'plain', topic: topics.lifecycle.name } })
  await until(() => parked.length >= 7, { ...patience, what: 'the garbage to be parked' })
  expect(parked.map(({ headers }) => headers['curfew-parked-reason'])).toEqual([
    'event.unreadable', 'event.unreadable', 'event.unreadable', 'event.version_unknown', 'tenant.unknown', 'record.too_large', 'event.mismatch',
  ])
  expect(parked[0]?.headers).toMatchObject({ 'curfew-parked-by': 'curfew.audit' })
}, 60_000)

test('two instances share the work, and one that leaves hands its part over: every event is one row', async () => {
  const other = await runningService({ bus: openBus(), databaseUrl: database.url })
  await Promise.all(Array.from({ length: 80 }, (_, n) => publish(ours, ...subjectEvent(n, 'many'))))
  await until(async () => (await found({ sub: 'many' })).length > 20, { ...patience, what: 'some of the work' })
  await other.services.close()
  await Promise.all(Array.from({ length: 80 }, (_, n) => publish(ours, ...subjectEvent(n + 80, 'many'))))
  await Promise.all(Array.from({ length: 40 }, (_, n) => publish(ours, ...subjectEvent(n, 'many'))))
  await publish(ours, ...subjectEvent(0, 'last'))
  await until(async () => (await found({ sub: 'many' })).length === 160, { ...patience, what: 'every row' })
}, 90_000)

test('while PostgreSQL is away the stream waits; when it is back nothing is lost and nothing was parked', async () => {
  const postgres = await ownPostgres()
  const bus = openBus(topicPrefix())
  try {
    await bus.topics.apply(topicCatalogue)
    const lost: BusRecord[] = []
    const alone = await runningService({ bus, databaseUrl: postgres.url })
    await bus.consume({ group: 'spec', topics: recordedTopics.map(parkedTopicOf), onRecord: (record) => Promise.resolve(void lost.push(record)) })
    await publish(bus, ...subjectEvent(0, 'outage'))
    await until(async () => (await found({ sub: 'outage' }, alone)).length === 1, { ...patience, what: 'the first row' })
    await postgres.kill()
    for (let n = 1; n <= 5; n += 1) await publish(bus, ...subjectEvent(n, 'outage'))
    expect((await alone.get<{ code: string }>('/v1/audit/events', await alone.platform.token('audit:read'))).body.code).toBe('dependency.unavailable')
    await postgres.start()
    await until(async () => ((await found({ sub: 'outage' }, alone)) as AuditEvent[] | undefined)?.length === 6, { timeoutMs: 60_000, what: 'the rows of the outage' })
    expect(lost).toEqual([])
    await alone.services.close()
  } finally {
    await postgres.close()
  }
}, 120_000)

function firstTwo([spec, data]: [EventSpec, unknown, string?]): [EventSpec, unknown] {
  return [spec, data]
}
