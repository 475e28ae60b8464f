import type { TopicSpec } from '@curfew/contracts'
import { ownKafka, until, type OwnKafka } from '@curfew/testing'
import { Admin, ConfigResourceTypes, Producer, type CompressionAlgorithmValue } from '@platformatic/kafka'
import { kafkaBus } from './kafka-bus.adapter.js'
import type { BusLog, BusRecord, MessageBus, Position } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const soon = (what: string, timeoutMs = 60_000) => ({ timeoutMs, what })

let kafka: OwnKafka
const buses: MessageBus[] = []
const admins: Admin[] = []
let named = 0

beforeAll(async () => { kafka = await ownKafka() }, 120_000)
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()))
  await Promise.all(admins.splice(0).map((admin) => admin.close()))
}, 120_000)
afterAll(async () => void (await kafka?.close()), 60_000)

const specOf = (partitions = 2): TopicSpec => ({
  name: `curfew.fault-${(named += 1)}.v1`, partitions, retentionMs: 3_600_000, cleanup: 'delete', maxBytes: 1_048_576, takesBytes: 1_048_576, key: '', writtenBy: '', readBy: '',
})
const opened = (): MessageBus => {
  const bus = kafkaBus({ brokers: kafka.brokers, clientId: 'bus-faults', log: quiet })
  buses.push(bus)
  return bus
}
const admin = (): Admin => {
  const client = new Admin({ clientId: 'bus-faults-admin', bootstrapBrokers: kafka.brokers })
  admins.push(client)
  return client
}
const send = (bus: MessageBus, topic: string, text: string, partition?: number): Promise<Position[]> => bus.publisher.publish([{ topic, key: `k${text}`, value: Buffer.from(text), headers: {}, partition }])
/** As an outbox does: until it is acknowledged. */
const sendSurely = (bus: MessageBus, topic: string, text: string) => until(() => send(bus, topic, text), soon(`${text} to be acknowledged`))

async function group(bus: MessageBus, topic: string, handle: (record: BusRecord) => Promise<void> = async () => undefined) {
  const seen = new Set<string>()
  const consumer = await bus.consume({ group: `${topic}-group`, topics: [topic], onRecord: async (record) => {
    await handle(record)
    seen.add(String(record.value))
  } })
  return { seen, consumer, isWell: () => consumer.unhealthy() === undefined }
}
async function tail(bus: MessageBus, topic: string, from: readonly bigint[]) {
  const seen: string[] = []
  const lost: string[] = []
  const open = await bus.feed.tail({ topic, from, onBatch: (_, records) => void seen.push(...records.map(({ value }) => String(value))), onLost: (reason) => void lost.push(reason) })
  return { seen, lost, open }
}

test('a broker killed mid-stream and back again: group, publisher and tail go on, and nothing is lost', async () => {
  const [bus, spec] = [opened(), specOf()]
  await bus.topics.apply([spec])
  const [{ seen, isWell }, followed] = [await group(bus, spec.name), await tail(bus, spec.name, [0n, 0n])]
  await until(isWell, soon('the group'))
  let sent = 0
  let isOver = false
  const sending = (async () => {
    while (!isOver) await sendSurely(bus, spec.name, String((sent += 1)))
  })()
  await until(() => sent > 20, soon('records before the fall'))
  await kafka.kill()
  const before = sent
  await expect(send(bus, spec.name, 'refused')).rejects.toMatchObject({ code: 'dependency.unavailable' })
  await kafka.start()
  await until(() => sent > before + 20, soon('records after the fall'))
  isOver = true
  await sending
  await until(() => seen.size >= sent && new Set(followed.seen).size >= sent && isWell(), soon('every record'))
  const all = Array.from({ length: sent }, (_, n) => String(n + 1))
  expect(all.filter((text) => !seen.has(text) || !followed.seen.includes(text))).toEqual([])
  // Unless the kill itself took records from the log; then losing is the truth.
  expect(followed.lost).toEqual([])
}, 180_000)

test('a broker that hangs: publishing is refused in time, and everything goes on when it wakes', async () => {
  const [bus, spec] = [opened(), specOf()]
  await bus.topics.apply([spec])
  const [{ seen, isWell }, followed] = [await group(bus, spec.name), await tail(bus, spec.name, [0n, 0n])]
  await sendSurely(bus, spec.name, 'before')
  await until(() => isWell() && seen.has('before'), soon('the group'))
  kafka.pause()
  const began = performance.now()
  await expect(send(bus, spec.name, 'hanging')).rejects.toMatchObject({ code: 'dependency.unavailable' })
  expect(performance.now() - began).toBeLessThan(6_500)
  // Longer than any request may take, so that every connection is given up at least once.
  await until(() => performance.now() - followed.open.lastAnswerAt() > 8_000, soon('the silence'))
  kafka.resume()
  await sendSurely(bus, spec.name, 'after')
  await until(() => seen.has('after') && followed.seen.includes('after') && isWell(), soon('the record after'))
  expect(followed.lost).toEqual([])
}, 180_000)

test('Kafka is not there at the start: nothing crashes, it is said, and everything begins when it comes', async () => {
  const spec = specOf()
  await opened().topics.apply([spec])
  await kafka.shutDown()
  const bus = opened()
  const { seen, consumer, isWell } = await group(bus, spec.name)
  await expect(bus.ping()).rejects.toMatchObject({ code: 'dependency.unavailable' })
  await expect(bus.feed.describe(spec.name)).rejects.toMatchObject({ code: 'dependency.unavailable' })
  await expect(send(bus, spec.name, 'early')).rejects.toMatchObject({ code: 'dependency.unavailable' })
  await until(() => /cannot read .*ECONNREFUSED|cannot read .*onnection/.test(consumer.unhealthy() ?? ''), soon('it to say why'))
  await kafka.start()
  await sendSurely(bus, spec.name, 'late')
  await until(() => isWell() && seen.has('late'), soon('the group'))
  await bus.ping()
}, 180_000)

test('closing while Kafka is away ends in time', async () => {
  const spec = specOf()
  const bus = opened()
  await bus.topics.apply([spec])
  const { isWell } = await group(bus, spec.name)
  const never = await group(bus, 'curfew.never.v1')
  await until(isWell, soon('the group'))
  await kafka.kill()
  try {
    const began = performance.now()
    await bus.close()
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(never.seen.size).toBe(0)
  } finally {
    await kafka.start()
  }
}, 180_000)

test('a topic made anew: the tail is lost, the publisher names the new one, and the group reads it', async () => {
  const [bus, spec] = [opened(), specOf(1)]
  await bus.topics.apply([spec])
  const [{ seen, isWell }, followed] = [await group(bus, spec.name), await tail(bus, spec.name, [0n])]
  const [[first]] = [await sendSurely(bus, spec.name, 'old')]
  await until(() => isWell() && seen.has('old') && followed.seen.length === 1, soon('both readers'))
  await admin().deleteTopics({ topics: [spec.name] })
  await until(async () => (await bus.topics.check([spec]))[0]?.what === 'does not exist', soon('the topic to go'))
  await bus.topics.apply([spec])
  const { topicId } = await bus.feed.describe(spec.name)
  await until(() => followed.lost.length > 0, soon('the tail to be lost'))
  expect(followed.lost).toEqual(['the topic was created anew'])
  const second = (await sendSurely(bus, spec.name, 'new'))[0]!
  expect([second.topicId, second.offset]).toEqual([topicId, 0n])
  expect(first!.topicId).not.toBe(topicId)
  await until(() => seen.has('new') && isWell(), soon('the group to read the new topic'))
}, 120_000)

test('what a tail comes for was deleted: it is lost, and a group goes on at the first record that is left', async () => {
  const [bus, spec] = [opened(), specOf(1)]
  await bus.topics.apply([spec])
  for (const text of ['1', '2', '3']) await send(bus, spec.name, text)
  await admin().deleteRecords({ topics: [{ name: spec.name, partitions: [{ partition: 0, offset: 2n }] }] })
  const followed = await tail(bus, spec.name, [0n])
  await until(() => followed.lost.length > 0, soon('the tail to be lost'))
  expect(followed.lost[0]).toMatch(/offset 0 of partition 0 is outside/)
  expect(await bus.feed.startOffsets(spec.name)).toEqual([2n])
  const { seen } = await group(bus, spec.name)
  await until(() => seen.has('3'), soon('the group'))
  expect([...seen]).toEqual(['3'])
}, 60_000)

test('a handler\'s TypeErrors stop its partition and nothing else, for as long as records come', async () => {
  const [bus, spec] = [opened(), specOf()]
  await bus.topics.apply([spec])
  const { seen, consumer } = await group(bus, spec.name, async ({ partition }) => {
    if (partition === 0) (undefined as unknown as { call(): void }).call()
  })
  for (const round of [1, 2, 3]) {
    await send(bus, spec.name, `bad-${round}`, 0)
    await send(bus, spec.name, `good-${round}`, 1)
    await until(() => seen.has(`good-${round}`), soon(`round ${round}`))
  }
  expect(consumer.unhealthy()).toMatch(/fault-\d+.v1\/0 stopped at offset 0: TypeError/)
  expect(seen.size).toBe(3)
}, 60_000)

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('a batch in %s is read, and ends nothing', async (compression: CompressionAlgorithmValue) => {
  const [bus, spec] = [opened(), specOf(1)]
  await bus.topics.apply([spec])
  // As a topic is that somebody else made: the broker keeps what the producer wrote.
  await admin().incrementalAlterConfigs({ resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: spec.name, configs: [{ name: 'compression.type', value: 'producer', configOperation: 0 }] }] })
  const stranger = new Producer({ clientId: 'stranger', bootstrapBrokers: kafka.brokers })
  const texts = [1, 2, 3].map((n) => `${compression}-${n}-${'x'.repeat(500)}`)
  await stranger.send({ acks: -1, compression, messages: texts.map((text) => ({ topic: spec.name, value: Buffer.from(text) })) } as never)
  await stranger.close()
  const [{ seen }, followed] = [await group(bus, spec.name), await tail(bus, spec.name, [1n])]
  await until(() => seen.size === 3 && followed.seen.length === 2, soon('all three'))
  expect([[...seen], followed.seen]).toEqual([texts, texts.slice(1)])
}, 60_000)

test('a queue that is full refuses, and gives way when the broker is back', async () => {
  const [bus, spec] = [opened(), specOf(1)]
  await bus.topics.apply([spec])
  await sendSurely(bus, spec.name, 'first')
  kafka.pause()
  const value = Buffer.alloc(900_000)
  const flood = Array.from({ length: 100 }, () => bus.publisher.publish([{ topic: spec.name, key: null, value, headers: {} }]).then(() => 'ok', (error: { code: string }) => error.code))
  expect(await Promise.race(flood.slice(80))).toBe('service.overloaded')
  kafka.resume()
  const answers = await Promise.all(flood)
  expect(answers.filter((answer) => answer === 'service.overloaded').length).toBeGreaterThan(20)
  await sendSurely(bus, spec.name, 'last')
}, 120_000)
