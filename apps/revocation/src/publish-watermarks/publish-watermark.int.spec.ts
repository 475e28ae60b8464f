import { decodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, type WatermarkRecord } from '@curfew/contracts'
import { defaultTenant, type Instant } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { testPlatform } from '@curfew/service-kit/testing'
import { freshDatabase, until, type FreshDatabase } from '@curfew/testing'
import { randomUUID } from 'node:crypto'
import { openFeedSigner } from '../feed-key/feed-key.handler.js'
import { revocationEvent } from '../feed-key/feed-events.adapter.js'
import type { FeedSigner } from '../feed-key/feed-signer.adapter.js'
import { FollowTopic } from '../follow-topic/follow-topic.handler.js'
import { HandFeed } from '../hand-feed.contract.js'
import { revoke as decide } from '../revoke/revoke.js'
import { RevokeHandler } from '../revoke/revoke.handler.js'
import { FeedKeyStore } from '../store/feed-key.store.js'
import { FeedLoopStore } from '../store/feed-loop.store.js'
import { FeedTopicStore } from '../store/feed-topic.store.js'
import { openRevocationDatabase } from '../store/revocation-database.adapter.js'
import { RevocationsStore } from '../store/revocations.store.js'
import { PublishWatermark } from './publish-watermark.handler.js'

const topic = 'curfew.revocations.v1'
const limits = { maxSessionAgeMs: 1e9, leewayMs: 0, skewMs: 0 }

let server: FreshDatabase
const feed = new HandFeed()
const platform = testPlatform({ bus: feed })

/** One instance: its own database handle, its own way to the log, and a loop that the test turns by hand. */
interface Instance {
  readonly feed: HandFeed
  readonly database: Database
  readonly signer: FeedSigner
  readonly turns: PublishWatermark
  readonly revoke: RevokeHandler
}

async function instance(log: HandFeed, holdMs = 300): Promise<Instance> {
  const database = await openRevocationDatabase({ ...platform, databaseUrl: server.url }, log.publisher)
  const topics = new FeedTopicStore(topic)
  await database.transactEverywhere((tx) => topics.begin(tx, 3))
  const signer = await openFeedSigner(database, new FeedKeyStore(), platform.secrets)
  const follow = new FollowTopic(topic, database, topics, log.feed, signer, platform.log)
  return {
    feed: log, database, signer, turns: new PublishWatermark(topic, database, new FeedLoopStore(), follow, log.publisher, signer, { id: randomUUID(), holdMs }),
    revoke: new RevokeHandler(database, new RevocationsStore(), signer, { defaultIssuer: 'i', limits }, platform.clock),
  }
}

/** Accepted revocations, each with an instant of the primary's clock that was read after its commit was answered. */
const accepted = new Map<string, Instant>()
async function revoke({ revoke: handler, database }: Instance, id: string = randomUUID()): Promise<string> {
  await handler.handle({ id, tenant: defaultTenant, request: { scope: { kind: 'device', deviceId: id } }, initiator: { kind: 'client', id: 'c' } })
  accepted.set(id, await database.primaryNow())
  return id
}

/** A revocation that is written and not committed, until it is told to. */
async function openRevocation({ database, signer }: Instance, id: string): Promise<{ commit: () => Promise<void> }> {
  let go = (): void => undefined
  const gate = new Promise<void>((resolve) => (go = resolve))
  let transaction: Promise<void> = Promise.resolve()
  await new Promise<void>((isWritten) => {
    transaction = database.transact(defaultTenant, async (tx) => {
      const command = { id, tenant: defaultTenant, request: { scope: { kind: 'device', deviceId: id } as const }, initiator: { kind: 'client', id: 'c' } as const }
      const record = decide(command, 'i', tx.now, limits)
      await new RevocationsStore().insert(tx, record, revocationEvent(record, signer), 'f')
      isWritten()
      await gate
    })
  })
  return {
    commit: async () => {
      go()
      await transaction
      accepted.set(id, await database.primaryNow())
    },
  }
}

interface Seen {
  readonly offset: number
  readonly event: ReturnType<typeof decodeEvent>
}
const seenOn = (partition: number): Seen[] => feed.partition(partition).map((record) => ({ offset: Number(record.offset), event: decodeEvent(record) }))
const partitions = (): number[] => feed.partitionNumbers
const watermarks = (): (Seen & { partition: number; at: number; partitions: number })[] => partitions().flatMap((partition) =>
  seenOn(partition).filter(({ event }) => event.spec === events.watermarkAdvanced).map((seen) => {
    const { at, partitions: named } = seen.event.data as WatermarkRecord
    return { ...seen, partition, at: Date.parse(at), partitions: named }
  }))
const places = (id: string): { partition: number; offset: number }[] => partitions().flatMap((partition) =>
  seenOn(partition).filter(({ event }) => event.id === id).map(({ offset }) => ({ partition, offset })))

/** Theorem W: below a watermark lies every revocation that was accepted before its instant. */
function expectTheoremW(): void {
  const marks = watermarks()
  for (const [id, answeredAt] of accepted) {
    // A millisecond is the grain of both instants.
    const later = marks.filter(({ at }) => at > answeredAt)
    const first = places(id)
    for (const mark of later) {
      const below = first.some(({ partition, offset }) => partition === mark.partition && offset < mark.offset)
      const elsewhere = first.some(({ partition }) => partition !== mark.partition)
      expect({ id, mark: mark.at, isBelow: below || elsewhere }).toEqual({ id, mark: mark.at, isBelow: true })
    }
  }
}

let one: Instance
let two: Instance

beforeAll(async () => {
  server = await freshDatabase()
  one = await instance(feed)
  two = await instance(feed.another())
})
afterAll(async () => {
  for (const each of [one, two]) {
    each.feed.become('works')
    await each.database.close()
  }
  await server.drop()
})
afterEach(() => {
  for (const each of [one, two]) each.feed.become('works')
  expectTheoremW()
})

const turnOf = (each: Instance): Promise<Instant> => until(() => each.turns.turn(false), { timeoutMs: 5_000, what: 'its turn' })

test('a watermark is signed, names the partitions and stands in each of them', async () => {
  const at = await turnOf(one)
  expect(watermarks().map(({ partition, at: each, partitions: named }) => [partition, each, named])).toEqual([[0, at, 3], [1, at, 3], [2, at, 3]])
  expect(feed.records.every(({ headers }) => headers['curfew-signature']?.split('.').length === 2)).toBe(true)
})

test('what was accepted before lies below it', async () => {
  for (let n = 0; n < 5; n += 1) await revoke(one)
  await turnOf(one)
  expect([...accepted.keys()].every((id) => places(id).length > 0)).toBe(true)
})

test('a transaction that is open across T neither holds the watermark up nor is claimed by it', async () => {
  const id = randomUUID()
  const open = await openRevocation(one, id)
  const across = await turnOf(two)
  expect([watermarks().some(({ at }) => at === across), places(id).length]).toEqual([true, 0])
  await open.commit()
  expect(accepted.get(id)).toBeGreaterThanOrEqual(across)
  await turnOf(two)
  expect(places(id).length).toBeGreaterThan(0)
})

test('no watermark passes a revocation whose publisher hangs', async () => {
  one.feed.become('hangs')
  const before = watermarks().length
  const id = await revoke(one)
  const turning = one.turns.turn(false)
  // Another instance, whose way to the log is open, is free to go on: it publishes what the hanging one did not.
  const at = await turnOf(two)
  expect(places(id)).toHaveLength(1)
  expect(at).toBeGreaterThanOrEqual((accepted.get(id) as number) - 1)
  expect(watermarks().length).toBe(before + 3)
  one.feed.become('works')
  await turning
})

test('no watermark is published while the log is away, and the next one is whole', async () => {
  one.feed.become('away')
  const id = await revoke(one)
  const before = watermarks().length
  await until(() => one.turns.turn(false).then(() => false, () => true), { timeoutMs: 5_000, what: 'a turn to fail' })
  expect([watermarks().length, places(id).length]).toEqual([before, 0])
  one.feed.become('works')
  await turnOf(one)
  expect(places(id).length).toBeGreaterThan(0)
})

test('one instance has the loop, and another takes it over when that one falls silent', async () => {
  await turnOf(one)
  expect(await two.turns.turn(false)).toBeUndefined()
  const before = performance.now()
  await turnOf(two)
  expect(performance.now() - before).toBeLessThan(2_000)
  await two.turns.release()
  expect(await one.turns.turn(false)).toBeDefined()
})

test('with publishers that come and go, and turns of two instances at once, no watermark overtakes a revocation', async () => {
  const random = lehmer(5)
  let isDone = false
  const revoking = Promise.all([one, two].map(async (each) => {
    for (let n = 0; n < 25; n += 1) await revoke(each)
  })).then(() => (isDone = true))
  const turning = [one, two].map(async (each) => {
    while (!isDone) await each.turns.turn(true).catch(() => undefined)
  })
  while (!isDone) {
    const each = random() < 0.5 ? one : two
    each.feed.become((['works', 'away', 'works', 'hangs'] as const)[Math.floor(random() * 4)] ?? 'works')
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const each of [one, two]) each.feed.become('works')
  await Promise.all([revoking, ...turning])
  await turnOf(one)
  expect([...accepted.keys()].every((id) => places(id).length > 0)).toBe(true)
})

test('more partitions are named once they are there, and records go to them', async () => {
  feed.grow(6)
  const at = await turnOf(one)
  expect(watermarks().filter((mark) => mark.at === at).map(({ partition, partitions: named }) => [partition, named])).toEqual([0, 1, 2, 3, 4, 5].map((partition) => [partition, 6]))
  for (let n = 0; n < 30; n += 1) await revoke(one)
  await turnOf(one)
  expect(feed.partition(3).length + feed.partition(4).length + feed.partition(5).length).toBeGreaterThan(6)
})

test.each([6, 2])('a topic that is made anew, with %i partitions, gets everything live again before its first watermark', async (count) => {
  // Rows of the outbox go after a while; what they published must come back all the same.
  await one.database.transactEverywhere((tx) => tx.query('DELETE FROM outbox WHERE published_at IS NOT NULL'))
  for (const each of [one, two]) each.feed.become('away')
  const waiting = await revoke(one)
  feed.recreate(count)
  for (const each of [one, two]) each.feed.become('works')
  const at = await turnOf(two)
  expect([...accepted.keys()].filter((id) => places(id).length === 0)).toEqual([])
  expect(places(waiting).length).toBeGreaterThan(0)
  expect(new Set(watermarks().map((mark) => mark.at))).toEqual(new Set([at]))
  // A sweeper of either instance may still be at rows that this turn published too; once they are done, a turn publishes watermarks alone.
  await until(async () => {
    const { length } = feed.records
    await turnOf(two)
    return feed.records.length === length + count
  }, { timeoutMs: 10_000, what: 'a turn with nothing to publish again' })
})

test('a revocation that was decided once is the same record however often it is published', async () => {
  const values = new Map<string, Set<string>>()
  for (const { headers, value } of feed.records as readonly OutgoingRecord[]) {
    const id = headers['ce_id'] ?? ''
    values.set(id, (values.get(id) ?? new Set()).add(value?.toString() ?? ''))
  }
  expect([...values.values()].every(({ size }) => size === 1)).toBe(true)
})

/** Numbers that look random and are the same in every run. */
function lehmer(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}
