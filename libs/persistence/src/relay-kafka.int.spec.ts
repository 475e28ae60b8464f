import { inProcessBus, kafkaBus, type BusLog, type BusRecord, type MessageBus } from '@curfew/bus'
import { topics } from '@curfew/contracts'
import { systemClock, tenantId } from '@curfew/kernel'
import { freshDatabase, kafkaBrokers, ownKafka, topicPrefix, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { opened, record } from './publisher-double.contract.js'
import { tableLogStore } from './table-log-store.adapter.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

const acme = tenantId('acme')
const topic = topics.revocations.name
const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
let fresh: FreshDatabase
let admin: Client

beforeAll(async () => {
  fresh = await freshDatabase()
  admin = new Client({ connectionString: fresh.url })
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await admin.end()
  await fresh.drop()
})

async function readAll(bus: MessageBus): Promise<BusRecord[]> {
  const seen: BusRecord[] = []
  const { partitions } = await bus.feed.describe(topic)
  const ends = await bus.feed.endOffsets(topic)
  const reached = Array.from({ length: partitions }, () => 0n)
  const tail = await bus.feed.tail({
    topic, from: await bus.feed.startOffsets(topic), onLost: () => undefined,
    onBatch: (partition, records, next) => {
      seen.push(...records)
      reached[partition] = next
    },
  })
  await until(() => ends.every((end, partition) => end <= (reached[partition] as bigint)), { timeoutMs: 15_000, what: 'the end of the topic' })
  await tail.close()
  return seen
}

const unpublished = async (): Promise<number> =>
  Number((await admin.query('SELECT count(*) FROM curfew_session.outbox WHERE published_at IS NULL')).rows[0].count)

describe.each([
  ['Kafka', async () => kafkaBus({ brokers: kafkaBrokers(), clientId: 'relay', log: quiet, topicPrefix: topicPrefix() })],
  ['the log of the embedded profile', async () => inProcessBus({ store: await tableLogStore({ url: fresh.url, clock: systemClock }), clock: systemClock, log: quiet })],
])('over %s', (_, open) => {
  test('what was committed is where its ticket says, in its partition, with its key and headers', async () => {
    const bus = await open()
    await bus.topics.apply([topics.revocations])
    const db = await opened(fresh.url, { publisher: bus.publisher })
    const tickets = await Promise.all([0, 1, 2].map((partition) => db.transact(acme, (tx) => tx.outbox(record(`in ${partition}`, { topic, partition })))))
    const chosen = await db.transact(acme, (tx) => tx.outbox(record('by its key', { topic })))
    const positions = await Promise.all([...tickets, chosen].map(({ published }) => published))
    const { topicId } = await bus.feed.describe(topic)
    expect(positions.map((position) => position.topicId)).toEqual(positions.map(() => topicId))
    const seen = await readAll(bus)
    for (const [at, value] of ['in 0', 'in 1', 'in 2', 'by its key'].entries()) {
      const found = seen.find((each) => String(each.value) === value)
      expect(found).toMatchObject({ partition: positions[at]?.partition, offset: positions[at]?.offset, key: `key of ${value}`, headers: { ce_id: value } })
    }
    expect(positions.slice(0, 3).map(({ partition }) => partition)).toEqual([0, 1, 2])
    await until(async () => (await unpublished()) === 0, { timeoutMs: 5000, what: 'the marks' })
    await db.close()
    await bus.close()
  }, 60_000)
})

test('while the broker is gone commits go on; when it is back everything drains, and a topic that is missing holds up none of it', async () => {
  const kafka = await ownKafka()
  const bus = kafkaBus({ brokers: kafka.brokers, clientId: 'relay-faults', log: quiet })
  const db = await opened(fresh.url, { publisher: bus.publisher })
  try {
    await bus.topics.apply([topics.revocations])
    await db.transact(acme, (tx) => tx.outbox(record('before', { topic }))).then(({ published }) => published)
    await kafka.kill()
    for (let i = 0; i < 20; i++) await db.transact(acme, (tx) => tx.outbox(record(`during ${i}`, { topic: i % 5 === 0 ? topics.sessions.name : topic })))
    await until(() => db.relayCounts().down.includes(topic), { timeoutMs: 30_000, what: 'the outage to be noticed' })
    await expect(db.publishPending(topic)).rejects.toMatchObject({ code: 'dependency.unavailable' })
    await kafka.start()
    await until(async () => (await unpublished()) === 4, { timeoutMs: 60_000, what: 'the drain' })
    await bus.topics.apply([topics.sessions])
    await until(async () => (await unpublished()) === 0, { timeoutMs: 30_000, what: 'the other topic' })
    const values = new Set((await readAll(bus)).map(({ value }) => String(value)))
    const during = Array.from({ length: 20 }, (_, i) => i).filter((i) => i % 5 !== 0).map((i) => `during ${i}`)
    // What the tests above published went to other incarnations of the topic, so it counts as unpublished here.
    expect(values).toEqual(new Set(['in 0', 'in 1', 'in 2', 'by its key', 'before', ...during]))
  } finally {
    await db.close()
    await bus.close()
    await kafka.close()
  }
}, 180_000)
