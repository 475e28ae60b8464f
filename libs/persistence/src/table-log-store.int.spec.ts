import type { LogStore, OutgoingRecord } from '@curfew/bus'
import { ManualClock } from '@curfew/kernel'
import { freshDatabase, ownPostgres, until, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { tableLogStore } from './table-log-store.adapter.js'

// The machine may be busy with other specs; conditions below have limits of their own.
jest.setTimeout(60_000)

const day = 24 * 3_600_000
const clock = new ManualClock(1_800_000_000_000)
let fresh: FreshDatabase
let log: LogStore & { close(): Promise<void> }
let topic = ''
let topics = 0

beforeAll(async () => {
  fresh = await freshDatabase()
  log = await tableLogStore({ url: fresh.url, clock })
}, 60_000)
afterAll(async () => {
  await log.close()
  await fresh.drop()
})
beforeEach(async () => {
  topic = `topic-${topics++}`
  await log.ensureTopic(topic, 2)
})

type Placed = OutgoingRecord & { readonly partition: number }
const to = (partition: number, value: string, more: Partial<Placed> = {}): Placed =>
  ({ topic, partition, key: `key ${value}`, value: Buffer.from(value), headers: { ce_id: value, 'ünïcode': '✓ "quoted"' }, ...more })
const values = async (partition: number, from = 0n, store: LogStore = log): Promise<string[]> => (await store.read(topic, partition, from, 1000)).map(({ value }) => String(value))

test('a record comes back as it went in, with its place and its time', async () => {
  const { offsets, timestamp } = await log.append([to(1, 'α'), to(1, 'nothing', { key: null, value: null, headers: {} })])
  expect([offsets, timestamp]).toEqual([[0n, 1n], clock.now()])
  expect(await log.read(topic, 1, 0n, 10)).toEqual([
    { topic, partition: 1, offset: 0n, key: 'key α', value: Buffer.from('α'), headers: { ce_id: 'α', 'ünïcode': '✓ "quoted"' }, timestamp },
    { topic, partition: 1, offset: 1n, key: null, value: null, headers: {}, timestamp },
  ])
})

test('offsets have no gaps per partition, whoever appends at the same time', async () => {
  const other = await tableLogStore({ url: fresh.url, clock })
  const stores = [log, other]
  const given = await Promise.all(Array.from({ length: 200 }, (_, i) => (stores[i % 2] as LogStore).append(
    Array.from({ length: 1 + (i % 4) }, (_unused, j) => to((i + j) % 2, `${i}.${j}`)))))
  for (const partition of [0, 1]) {
    const offsets = (await log.read(topic, partition, 0n, 1000)).map(({ offset }) => offset)
    expect(offsets).toEqual(offsets.map((_, at) => BigInt(at)))
  }
  for (const [i, { offsets }] of given.entries()) {
    for (const [j, offset] of offsets.entries()) expect((await log.read(topic, (i + j) % 2, offset, 1))[0]?.value?.toString()).toBe(`${i}.${j}`)
  }
  await other.close()
}, 30_000)

test('a reader never sees an offset before every lower one', async () => {
  const appending = Promise.all(Array.from({ length: 100 }, (_, i) => log.append([to(0, `${i}`)])))
  for (let next = 0n; next < 100n;) {
    for (const { offset } of await log.read(topic, 0, next, 7)) {
      expect(offset).toBe(next)
      next++
    }
  }
  await appending
})

test('records of one append are written together or not at all, and spoil no other append', async () => {
  const outcomes = await Promise.allSettled([log.append([to(0, 'good')]), log.append([to(0, 'lost'), to(7, 'no such partition')]), log.append([to(0, 'lost', { topic: 'unknown' })]), log.append([to(0, 'fine')])])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(await values(0)).toEqual(['good', 'fine'])
  expect(await log.bounds(topic)).toEqual([[0n, 2n], [0n, 0n]])
})

test('a topic keeps its id and its records when it gets more partitions, and never loses any', async () => {
  const before = await log.topic(topic)
  await log.append([to(1, 'kept')])
  expect(await log.ensureTopic(topic, 5)).toEqual({ topicId: before?.topicId, partitions: 5 })
  expect(await log.ensureTopic(topic, 1)).toEqual({ topicId: before?.topicId, partitions: 5 })
  expect(await values(1)).toEqual(['kept'])
  expect(await log.topic('unknown')).toBeUndefined()
})

test('a topic made by several at once is one topic', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => log.ensureTopic(`${topic}-same`, 3)))
  expect(new Set(made.map(({ topicId }) => topicId)).size).toBe(1)
})

test('the progress of a group is its own, and the last word counts', async () => {
  expect(await log.committed('g', topic)).toEqual(new Map())
  await Promise.all([log.commit('g', topic, 0, 3n), log.commit('g', topic, 0, 4n), log.commit('g', topic, 1, 9n), log.commit('h', topic, 0, 1n)])
  await log.commit('g', topic, 0, 2n)
  expect(await log.committed('g', topic)).toEqual(new Map([[0, 2n], [1, 9n]]))
  expect(await log.committed('h', topic)).toEqual(new Map([[0, 1n]]))
})

test('one read is bounded by bytes, and a reader that goes on gets everything', async () => {
  const large = Buffer.alloc(3 * 1_048_576, 1)
  for (let i = 0; i < 4; i++) await log.append([to(0, 'x', { value: large })])
  const pages: number[] = []
  for (let next = 0n; next < 4n;) {
    const page = await log.read(topic, 0, next, 1000)
    pages.push(page.length)
    next = (page.at(-1)?.offset ?? 0n) + 1n
  }
  expect(pages).toEqual([3, 1])
})

test('what is older than its topic keeps goes from the front, in chunks, and the bounds follow', async () => {
  await log.append(Array.from({ length: 2500 }, (_, i) => to(0, `old ${i}`)))
  clock.advance(2 * day)
  await log.append([to(0, 'young')])
  await log.expire(topic, day)
  expect(await log.bounds(topic)).toEqual([[2500n, 2501n], [0n, 0n]])
  expect(await values(0)).toEqual(['young'])
  clock.advance(2 * day)
  await log.expire(topic, day)
  expect(await log.bounds(topic)).toEqual([[2501n, 2501n], [0n, 0n]])
  expect((await log.append([to(0, 'next')])).offsets).toEqual([2501n])
})

test('watermarks go after an hour, which leaves gaps a reader steps over, and moves no bound', async () => {
  const watermark = { headers: { ce_type: 'curfew.watermark.advanced' } }
  await log.append([to(0, 'r0'), to(0, 'w1', watermark), to(0, 'r2'), to(0, 'w3', watermark)])
  clock.advance(3_600_001)
  await log.append([to(0, 'w4', watermark), to(0, 'r5')])
  await log.expire(topic, 32 * day)
  expect(await log.bounds(topic)).toEqual([[0n, 6n], [0n, 0n]])
  const seen: string[] = []
  for (let next = 0n; next < 6n;) {
    const page = await log.read(topic, 0, next, 2)
    seen.push(...page.map(({ value }) => String(value)))
    next = (page.at(-1)?.offset ?? 5n) + 1n
  }
  expect(seen).toEqual(['r0', 'r2', 'w4', 'r5'])
})

test('the log\'s own role makes and drops nothing, and no service\'s role reads it', async () => {
  const client = new Client({ connectionString: fresh.url })
  await client.connect()
  await client.query('SET ROLE curfew_log')
  await expect(client.query('DROP TABLE curfew_log.record')).rejects.toMatchObject({ code: '42501' })
  await expect(client.query('CREATE TABLE curfew_log.mine (a int)')).rejects.toMatchObject({ code: '42501' })
  await client.end()
})

test('what was appended is there after the server was killed, and the log goes on by itself', async () => {
  const server = await ownPostgres()
  const store = await tableLogStore({ url: server.url, clock })
  try {
    await store.ensureTopic(topic, 1)
    await store.append([to(0, 'before')])
    await server.kill()
    await expect(store.append([to(0, 'while down')])).rejects.toMatchObject({ code: 'dependency.unavailable' })
    await expect(store.read(topic, 0, 0n, 10)).rejects.toMatchObject({ code: 'dependency.unavailable' })
    await server.start()
    await until(async () => (await store.append([to(0, 'after')])).offsets.length === 1, { timeoutMs: 10_000, what: 'the log to take records again' })
    expect(await values(0, 0n, store)).toEqual(['before', 'after'])
  } finally {
    await store.close()
    await server.close()
  }
}, 60_000)
