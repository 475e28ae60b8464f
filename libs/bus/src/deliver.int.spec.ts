import { events, topicCatalogue, topics } from '@curfew/contracts'
import { systemClock } from '@curfew/kernel'
import { kafkaBrokers, topicPrefix, until } from '@curfew/testing'
import { encodeEvent, eventKey } from './cloud-event.js'
import { deliver } from './deliver.consumer.js'
import { kafkaBus } from './kafka-bus.adapter.js'
import { listParked, replayParked, showParked } from './parked.store.js'
import type { BusLog } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const soon = (what: string) => ({ timeoutMs: 40_000, what })
const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'bus-deliver', log: quiet, topicPrefix: topicPrefix() })
const topic = topics.lifecycle.name
const parkedTopic = 'curfew.lifecycle.parked.v1'

beforeAll(async () => void (await bus.topics.apply(topicCatalogue)), 60_000)
afterAll(() => bus.close(), 60_000)

test('the whole catalogue stands as declared', async () => {
  await until(async () => (await bus.topics.check(topicCatalogue)).length === 0, soon('the configuration to spread'))
  expect(await bus.topics.apply(topicCatalogue)).toEqual([])
}, 60_000)

test('garbage of every size is parked whole on a real broker, the stream goes on, and a replay comes round', async () => {
  const handled: string[] = []
  const signal = encodeEvent(events.signal, eventKey('default', 'alice'), { id: 'good', source: 'urn:hr', tenant: 'default' }, { subject: { sub: 'alice' }, occurredAt: '2026-11-23T20:15:04Z' }, 'curfew.lifecycle.sign_out')
  const sizes = [5_000_000, topics.lifecycle.maxBytes - 1_000]
  const values = [Buffer.from('{'), null, ...sizes.map((size) => Buffer.alloc(size, '7'))]
  await bus.publisher.publish([...values.map((value) => ({ ...signal, value })), signal])
  const consumer = await deliver({ bus, group: 'curfew.lifecycle', topics: [topic], handle: async ({ id }) => void handled.push(id), clock: systemClock, log: quiet })
  await until(() => handled.length === 1, soon('the good one'))
  const parked = await listParked(bus, { topic: parkedTopic })
  expect(parked.map(({ reason, bytes }) => [reason, bytes])).toEqual([['event.unreadable', 1], ['event.unreadable', 0], ...sizes.map((size) => ['record.too_large', size])])
  // Buffers compare themselves: element by element it would take a minute.
  const isWhole = (value: Buffer | null, at: number): boolean => (value === null ? values[at] === null : value.equals(values[at]!))
  for (const [at, id] of parked.entries()) expect(isWhole((await showParked(bus, id))!.value, at)).toBe(true)
  await replayParked(bus, parked.at(-1)!, systemClock)
  const again = await until(async () => (await listParked(bus, { topic: parkedTopic })).find(({ attempts }) => attempts === 2), soon('it to be parked again'))
  expect(again.bytes).toBe(sizes[1])
  expect((await listParked(bus)).filter(({ replayedAt }) => replayedAt !== undefined).map(({ id }) => id)).toEqual([parked.at(-1)!.id])
  await consumer.close()
}, 120_000)
