import type { TopicSpec } from '@curfew/contracts'
import { kafkaBrokers, startProcess, topicPrefix, until } from '@curfew/testing'
import { Admin } from '@platformatic/kafka'
import { setTimeout as pause } from 'node:timers/promises'
import { kafkaBus } from './kafka-bus.adapter.js'
import type { BusLog, BusRecord, GroupConsumer, MessageBus } from './port.js'

const quiet: BusLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const soon = (what: string, timeoutMs = 40_000) => ({ timeoutMs, what })
const prefix = topicPrefix()
const buses: MessageBus[] = []
let named = 0

afterEach(async () => void (await Promise.all(buses.splice(0).map((bus) => bus.close()))), 60_000)

const opened = (): MessageBus => {
  const bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'bus-group', log: quiet, topicPrefix: prefix })
  buses.push(bus)
  return bus
}
async function topic(partitions: number): Promise<string> {
  const spec: TopicSpec = {
    name: `curfew.group-${(named += 1)}.v1`, partitions, retentionMs: 3_600_000, cleanup: 'delete', maxBytes: 1_048_576, takesBytes: 1_048_576, key: '', writtenBy: '', readBy: '',
  }
  await opened().topics.apply([spec])
  return spec.name
}
const record = (name: string, key: string, text: string, partition?: number) => ({ topic: name, key, value: Buffer.from(text), headers: {}, partition })
const isWell = (consumer: GroupConsumer) => (): boolean => consumer.unhealthy() === undefined

test('what a killed process had begun is delivered to the next, and what it had finished is not', async () => {
  const name = await topic(1)
  const bus = opened()
  await bus.publisher.publish(['done', 'begun', 'waiting'].map((text) => record(name, text === 'done' ? 'a' : 'b', text)))
  const program = `
    import { kafkaBus } from '@curfew/bus'
    const quiet = { debug() {}, info() {}, warn() {}, error() {} }
    const bus = kafkaBus({ brokers: ${JSON.stringify(kafkaBrokers())}, clientId: 'doomed', log: quiet, topicPrefix: ${JSON.stringify(prefix)} })
    await bus.consume({ group: '${name}', topics: ['${name}'], onRecord: (record) => new Promise((resolve) => {
      console.log('began ' + record.value)
      if (String(record.value) === 'done') resolve()
    }) })
    setInterval(() => undefined, 1000)`
  const doomed = await startProcess({
    args: ['--import', '../../tools/typescript-source.mjs', '--input-type=module', '-e', program], name: 'doomed consumer',
    readyWhen: (output) => output.includes('began done') && output.includes('began begun'),
  })
  await until(async () => await committed(name, name) === 1n, soon('its first record to be committed'))
  doomed.kill('SIGKILL')
  await doomed.exit
  const { seen } = await observe(bus, name, name)
  await until(() => seen.length >= 2, soon('the session of the killed process to end'))
  expect(seen).toEqual(['begun', 'waiting'])
}, 90_000)

test('a group that grows and shrinks under load loses nothing, and no key is handled by two at once or out of order', async () => {
  const name = await topic(4)
  const [one, two] = [opened(), opened()]
  const running = new Set<string>()
  const overlaps: string[] = []
  const last = new Map<string, number>()
  const backwards: string[] = []
  const seen = new Set<string>()
  const onRecord = async ({ key, value }: BusRecord): Promise<void> => {
    const [text, n] = [String(value), Number(String(value).split(':')[1])]
    if (running.has(key!)) overlaps.push(text)
    running.add(key!)
    await pause(3)
    running.delete(key!)
    // Delivered again is fine; the first time of each must be in order.
    if (!seen.has(text) && n < (last.get(key!) ?? -1)) backwards.push(text)
    last.set(key!, Math.max(n, last.get(key!) ?? -1))
    seen.add(text)
  }
  const consume = (bus: MessageBus): Promise<GroupConsumer> => bus.consume({ group: name, topics: [name], onRecord })
  const first = await consume(one)
  await until(isWell(first), soon('the first member'))
  let sent = 0
  let isOver = false
  const sending = (async () => {
    while (!isOver) {
      await one.publisher.publish(Array.from({ length: 20 }, (_, at) => record(name, `k${at}`, `k${at}:${sent}`)))
      sent += 1
      await pause(10)
    }
  })()
  for (let round = 0; round < 3; round += 1) {
    const second = await consume(two)
    await until(isWell(second), soon('the second member'))
    const before = sent
    await until(() => sent > before + 20, soon('traffic'))
    await second.close()
  }
  isOver = true
  await sending
  await until(() => seen.size === sent * 20, soon('every record'))
  expect({ overlaps, backwards }).toEqual({ overlaps: [], backwards: [] })
  expect(first.unhealthy()).toBeUndefined()
}, 120_000)

test('a partition that is stuck fills up to its bound and waits in the log, while the others go on', async () => {
  const name = await topic(2)
  const bus = opened()
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => { release = resolve })
  const seen = { stuck: 0, free: 0 }
  const consumer = await bus.consume({ group: name, topics: [name], onRecord: async ({ partition }) => {
    if (partition === 0) await gate
    seen[partition === 0 ? 'stuck' : 'free'] += 1
  } })
  const many = (partition: number, count: number) => Array.from({ length: count }, (_, n) => record(name, `k${n % 50}`, 'x'.repeat(2_000), partition))
  await bus.publisher.publish(many(0, 6_000))
  await bus.publisher.publish(many(1, 1_000))
  await until(() => seen.free === 1_000, soon('the free partition'))
  expect(seen.stuck).toBe(0)
  await until(isWell(consumer), soon('it to be well'))
  release()
  await until(() => seen.stuck === 6_000, soon('the stuck partition'))
}, 90_000)

test('two thousand records of one key and as many of others: the key\'s own are in order, and all are committed', async () => {
  const name = await topic(1)
  const bus = opened()
  const seen: string[] = []
  const consumer = await bus.consume({ group: name, topics: [name], onRecord: async ({ key, value }) => {
    await pause(key === 'k' ? 0 : 1)
    seen.push(`${key}:${value}`)
  } })
  await bus.publisher.publish(Array.from({ length: 4_000 }, (_, n) => record(name, n % 2 ? 'k' : `other-${n}`, String(n))))
  await until(() => seen.length === 4_000, soon('all of them'))
  const ofKey = seen.filter((text) => text.startsWith('k:')).map((text) => Number(text.slice(2)))
  expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b))
  await consumer.close()
  await bus.publisher.publish([record(name, 'k', 'last')])
  const again = await observe(bus, name, name)
  await until(() => again.seen.length > 0, soon('the last'))
  expect(again.seen).toEqual(['last'])
}, 60_000)

async function committed(group: string, name: string): Promise<bigint | undefined> {
  const admin = new Admin({ clientId: 'bus-group-admin', bootstrapBrokers: kafkaBrokers() })
  try {
    const [answer] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: prefix + group, topics: [{ name: prefix + name, partitionIndexes: [0] }] }] })
    return answer?.topics[0]?.partitions[0]?.committedOffset
  } finally {
    await admin.close()
  }
}

async function observe(bus: MessageBus, group: string, name: string): Promise<{ seen: string[]; consumer: GroupConsumer }> {
  const seen: string[] = []
  const consumer = await bus.consume({ group, topics: [name], onRecord: async ({ value }) => void seen.push(String(value)) })
  return { seen, consumer }
}
