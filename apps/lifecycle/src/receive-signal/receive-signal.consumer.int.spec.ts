import { kafkaBus, type BusRecord, type MessageBus } from '@curfew/bus'
import { topicCatalogue, topics, type RevocationCommand, type Signal } from '@curfew/contracts'
import { freshDatabase, kafkaBrokers, ownPostgres, topicPrefix, until, type FreshDatabase } from '@curfew/testing'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { pino } from 'pino'
import { runningService, type RunningService } from '../running-service.contract.js'

const prefix = topicPrefix()
const lifecycle = `${prefix}${topics.lifecycle.name}`
const seen: BusRecord[] = []
const buses: MessageBus[] = []
let producer: Producer
let database: FreshDatabase
let service: RunningService
let reader: string

const openBus = (): MessageBus => {
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'lifecycle-spec', log: pino({ level: 'silent' }), topicPrefix: prefix })
  buses.push(bus)
  return bus
}

beforeAll(async () => {
  database = await freshDatabase()
  const bus = openBus()
  await bus.topics.apply(topicCatalogue)
  // What leaves the service, as anybody else would read it.
  await bus.consume({ group: 'spec', topics: [topics.revocationCommands.name, 'curfew.lifecycle.parked.v1'], onRecord: (record) => Promise.resolve(void seen.push(record)) })
  // A client that is not ours: it knows the topic's name and the CloudEvents headers, and nothing else.
  producer = new Kafka({ brokers: kafkaBrokers(), clientId: 'identity-team', logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  service = await runningService({ bus: openBus(), databaseUrl: database.url })
  reader = await service.platform.token('audit:read')
}, 60_000)
afterAll(async () => {
  await service.services.close()
  await producer.disconnect()
  await Promise.all(buses.map((bus) => bus.close()))
  await database.drop()
})

const patience = { timeoutMs: 30_000 }
let last = 0
const fresh = (): string => `k-${(last += 1)}`
const dataOf = (sub: string, occurredAt = '2026-11-23T20:15:04.123Z', details?: object) => ({ subject: { sub }, occurredAt, ...(details && { details }) })
const headersOf = (id: string, kind = 'offboarded'): Record<string, string> =>
  ({ ce_specversion: '1.0', ce_id: id, ce_source: 'urn:hr', ce_type: `curfew.lifecycle.${kind}` })
const produce = async (key: string, value: string | Buffer | null, headers: Record<string, string>) => {
  await producer.send({ topic: lifecycle, messages: [{ key, value, headers }] })
}
const say = (id: string, data: object, headers: Record<string, string> = headersOf(id), key = 'any') => produce(key, JSON.stringify(data), headers)

const commandsFor = (id: string): RevocationCommand[] => seen.filter(({ topic }) => topic === topics.revocationCommands.name)
  .map(({ value }) => JSON.parse(String(value)) as RevocationCommand).filter(({ cause }) => cause?.id === id)
const commanded = (id: string) => until(() => commandsFor(id).length > 0, { ...patience, what: `the command of ${id}` })
const parked = (key: string): BusRecord | undefined => seen.find((record) => record.topic === 'curfew.lifecycle.parked.v1' && record.key === key)
const received = async (sub: string, from = service): Promise<Signal[]> =>
  (await from.get<{ items: Signal[] }>(`/v1/lifecycle-signals?limit=500&sub=${sub}`, reader)).body.items

test('a signal from a client that is not ours is kept as it was sent and becomes a revocation', async () => {
  const text = '{ "subject": {"sub":"alice"},\n  "occurredAt":"2026-11-23T20:15:04Z", "details": {"ticket": 12345678901234567890} }'
  await produce('alice', text, { ...headersOf('plain', 'password_reset'), CE_TraceId: 'abc', other: 'not an attribute' })
  await commanded('plain')
  expect(commandsFor('plain')[0]).toMatchObject({ scope: { kind: 'subject', issuer: 'https://curfew.test', sub: 'alice' }, initiator: { kind: 'signal', id: 'urn:hr' } })
  expect(seen.find(({ topic }) => topic === topics.revocationCommands.name)?.key).toBe('["default","subject","https://curfew.test","alice"]')
  const [kept] = await received('alice')
  expect(kept).toMatchObject({ tenant: 'default', source: 'urn:hr', signalId: 'plain', kind: 'password_reset', state: 'applied', revocationIds: [commandsFor('plain')[0]?.id] })
  expect(kept?.verbatim).toMatchObject({ specversion: '1.0', id: 'plain', type: 'curfew.lifecycle.password_reset', traceid: 'abc', data: { subject: { sub: 'alice' } } })
  expect(kept?.verbatim).not.toHaveProperty('other')
})

test('duplicates and reordering change nothing: each signal is one revocation', async () => {
  const ids = Array.from({ length: 6 }, fresh)
  const instants = ids.map((_, at) => new Date(Date.UTC(2026, 10, 1, at)).toISOString())
  const order = [5, 0, 3, 3, 1, 5, 4, 2, 0, 0]
  for (const at of order) await say(ids[at]!, dataOf('bob', instants[at]), headersOf(ids[at]!, 'password_reset'), 'bob')
  await say('end-of-bob', dataOf('bob'), headersOf('end-of-bob'), 'bob')
  await commanded('end-of-bob')
  expect(ids.map((id) => commandsFor(id).length)).toEqual([1, 1, 1, 1, 1, 1])
  expect(await received('bob')).toHaveLength(7)
  expect(parked('bob')).toBeUndefined()
})

test('one signal by Kafka and by HTTP, in either order, is one revocation', async () => {
  const publisher = await service.platform.token('lifecycle:publish')
  const event = { specversion: '1.0', id: 'both', source: 'urn:hr', type: 'curfew.lifecycle.offboarded', data: dataOf('carol') }
  await say('both', event.data)
  await commanded('both')
  expect((await service.post('/v1/lifecycle-signals', event, publisher)).body).toMatchObject({ items: [{ state: 'duplicate' }] })
  await service.post('/v1/lifecycle-signals', { ...event, id: 'both-2' }, publisher)
  await say('both-2', event.data)
  await say('end-of-both', dataOf('carol'))
  await commanded('end-of-both')
  expect([commandsFor('both').length, commandsFor('both-2').length]).toEqual([1, 1])
})

test('garbage is parked with its reason, whole, and the stream goes on', async () => {
  const good = JSON.stringify(dataOf('dave'))
  const versioned = (id: string) => ({ ...headersOf(id), ce_dataschema: 'https://curfew.dev/schemas/curfew.lifecycle.offboarded/9' })
  await say('mismatched', dataOf('dave'))
  const garbage: [string, string | Buffer | null, Record<string, string>, string][] = [
    ['not-json', 'not JSON', headersOf(fresh()), 'event.unreadable'],
    ['null', null, headersOf(fresh()), 'event.unreadable'],
    ['no-headers', good, {}, 'event.unreadable'],
    ['not-utf8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), headersOf(fresh()), 'event.unreadable'],
    ['unknown-kind', good, headersOf(fresh(), 'unheard_of'), 'event.type_unknown'],
    ['unknown-version', good, versioned(fresh()), 'event.version_unknown'],
    ['wrong-schema', '{"subject":{"sub":7}}', headersOf(fresh()), 'event.invalid'],
    ['nested', `{"subject":{"sub":"dave"},"occurredAt":"2026-11-23T20:15:04Z","details":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`, headersOf(fresh()), 'event.invalid'],
    ['incomplete', good, headersOf(fresh(), 'device_lost'), 'signal.incomplete'],
    ['mismatch', JSON.stringify(dataOf('eve')), headersOf('mismatched'), 'signal.mismatch'],
    ['unknown-tenant', good, { ...headersOf(fresh()), ce_tenant: 'nowhere' }, 'tenant.unknown'],
    ['too-large', JSON.stringify(dataOf('dave', undefined, { pad: 'x'.repeat(5_000_000) })), headersOf(fresh()), 'record.too_large'],
  ]
  for (const [key, value, headers] of garbage) await produce(key, value, headers)
  await say('after-garbage', dataOf('dave'))
  await commanded('after-garbage')
  await until(() => garbage.every(([key]) => parked(key)), { ...patience, what: 'every piece of garbage to be parked' })
  expect(garbage.map(([key]) => [key, parked(key)?.headers['curfew-parked-reason']])).toEqual(garbage.map(([key, , , reason]) => [key, reason]))
  expect(parked('incomplete')?.headers).toMatchObject({ 'curfew-parked-by': 'curfew.lifecycle', 'curfew-parked-topic': topics.lifecycle.name, ce_type: 'curfew.lifecycle.device_lost' })
  expect(parked('too-large')?.value?.length).toBeGreaterThan(5_000_000)
  expect((await received('dave')).map(({ signalId }) => signalId)).toEqual(['after-garbage', 'mismatched'])
}, 60_000)

test('two instances share the work, and one that leaves hands its part over', async () => {
  const other = await runningService({ bus: openBus(), databaseUrl: database.url })
  const ids = Array.from({ length: 120 }, fresh)
  const send = (id: string) => say(id, dataOf('many'), headersOf(id), `key of ${id}`)
  await Promise.all(ids.slice(0, 60).map(send))
  await commanded(ids[30]!)
  await other.services.close()
  await Promise.all(ids.slice(60).map(send))
  await Promise.all(ids.slice(0, 20).map(send))
  await until(() => ids.every((id) => commandsFor(id).length > 0), { ...patience, what: 'every command' })
  await until(async () => (await received('many')).length === 120, { ...patience, what: 'every signal' })
  expect(new Set(ids.map((id) => new Set(commandsFor(id).map((command) => command.id)).size))).toEqual(new Set([1]))
}, 90_000)

test('while PostgreSQL is away the stream waits; when it is back nothing is lost and nothing was parked', async () => {
  const postgres = await ownPostgres()
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'lifecycle-alone', log: pino({ level: 'silent' }), topicPrefix: topicPrefix() })
  const alone = watched(bus)
  try {
    await bus.topics.apply(topicCatalogue)
    const waiting = await runningService({ bus, databaseUrl: postgres.url })
    await alone.listen()
    await alone.say('before')
    await until(() => alone.commanded('before'), { ...patience, what: 'the first command' })
    await postgres.kill()
    for (const id of ['during-1', 'during-2', 'during-3']) await alone.say(id)
    expect((await waiting.get<{ code: string }>('/v1/lifecycle-signals', await waiting.platform.token('audit:read'))).body.code).toBe('dependency.unavailable')
    await postgres.start()
    await until(() => ['during-1', 'during-2', 'during-3'].every(alone.commanded), { timeoutMs: 60_000, what: 'the signals of the outage' })
    expect(alone.parked()).toEqual([])
    await waiting.services.close()
  } finally {
    await bus.close()
    await postgres.close()
  }
}, 120_000)

/** The same questions as above, asked of another bus. */
function watched(bus: MessageBus) {
  const records: BusRecord[] = []
  return {
    listen: () => bus.consume({ group: 'spec', topics: [topics.revocationCommands.name, 'curfew.lifecycle.parked.v1'], onRecord: (record) => Promise.resolve(void records.push(record)) }),
    say: (id: string) => bus.publisher.publish([{ topic: topics.lifecycle.name, key: id, value: Buffer.from(JSON.stringify(dataOf('alone'))), headers: headersOf(id) }]),
    commanded: (id: string): boolean => records.some(({ topic, value }) => topic === topics.revocationCommands.name && (JSON.parse(String(value)) as RevocationCommand).cause?.id === id),
    parked: () => records.filter(({ topic }) => topic !== topics.revocationCommands.name),
  }
}
