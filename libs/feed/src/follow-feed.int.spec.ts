import { kafkaBus, type MessageBus } from '@curfew/bus'
import { topics } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { instant, systemClock, toIso, type Instant } from '@curfew/kernel'
import { kafkaBrokers, topicPrefix, until } from '@curfew/testing'
import { followFeed } from './follow-feed.adapter.js'
import { snapshotParts } from './read-snapshot.js'
import { acme, feedKey, revocation, sessionFacts, topic, watermark } from './scripted-parts.contract.js'
import { signRecord } from './signature.js'
import type { FeedHome, FollowedFeed } from './terms.js'

const key = feedKey('k1')
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const spec = { ...topics.revocations, partitions: 3 }
const budgetMs = 60_000
let bus: MessageBus
const feeds: FollowedFeed[] = []

beforeEach(async () => {
  bus = kafkaBus({ brokers: kafkaBrokers(), clientId: 'feed-spec', log: silent, topicPrefix: topicPrefix() })
  await bus.topics.apply([spec])
})
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.close()))
  await bus.close()
})

/** A control plane whose primary has this machine's clock. */
function home(snapshotOf: () => { denylist: MapDenylist; positions: Promise<readonly bigint[]> }): FeedHome {
  return {
    join: async () => {
      const primary = systemClock.now()
      const { topicId, partitions } = await bus.feed.describe(topic)
      return { primary, since: primary, topic, topicId, partitions, keys: [key.jwk] }
    },
    snapshot: async () => {
      const { denylist, positions } = snapshotOf()
      const { topicId } = await bus.feed.describe(topic)
      const body = Buffer.from(JSON.stringify({ topic, topicId, positions: (await positions).map(String), takenAt: toIso(systemClock.now()), denylist: denylist.snapshot() }))
      return { body, etag: '"1"', signature: signRecord(snapshotParts(topic, '"1"', body), key) }
    },
  }
}

const follow = (at: FeedHome): FollowedFeed => {
  const feed = followFeed({ home: at, reader: bus.feed, clock: systemClock, log: silent, budgetMs })
  feeds.push(feed)
  return feed
}
const mark = (at: Instant = systemClock.now()) => bus.publisher.publish([0, 1, 2].map((partition) => ({ ...watermark(key, at, 3), partition })))
const revoke = (id: string) => bus.publisher.publish([revocation(key, { kind: 'session', id }, null)])

test('on real Kafka: what lay there before, what the snapshot holds and what comes live are dead at two readers, garbage or not', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, n) => revoke(`old-${n}`)))
  const start = home(() => {
    const denylist = new MapDenylist()
    denylist.apply({ tenant: acme, scope: { kind: 'session', id: 'snap' }, cutoff: null, except: [], forgetAfter: instant(Date.now() + 1e9) })
    return { denylist, positions: bus.feed.startOffsets(topic) }
  })
  const readers = [follow(start), follow(start)]
  await until(() => readers.every((feed) => feed.entries() === 21), { timeoutMs: 20_000, what: 'the history to be read' })
  expect(readers.map((feed) => feed.verdictOn(sessionFacts('old-7')))).toEqual(['stale', 'stale'])
  await mark()
  await Promise.all(readers.map((feed) => feed.whenReady()))
  await bus.publisher.publish([{ topic, key: 'x', value: null, headers: {} }, { topic, key: null, value: Buffer.from('garbage'), headers: { ce_type: 'x' } }])
  await revoke('live')
  await until(() => readers.every((feed) => feed.verdictOn(sessionFacts('live')) === 'revoked'), { timeoutMs: 10_000, what: 'the live revocation' })
  for (const feed of readers) {
    expect(['old-0', 'old-19', 'snap', 'other'].map((id) => feed.verdictOn(sessionFacts(id)))).toEqual(['revoked', 'revoked', 'revoked', 'allowed'])
    await until(() => feed.status().alarms.notAuthentic === 2, { timeoutMs: 10_000, what: 'garbage to be counted' })
  }
})

test('positions beyond the end of the topic are no reason to skip: it starts over until the snapshot fits', async () => {
  let positions: Promise<readonly bigint[]> = Promise.resolve([99n, 99n, 99n])
  let asked = 0
  const feed = follow(home(() => {
    asked += 1
    return { denylist: new MapDenylist(), positions }
  }))
  await until(() => asked >= 2, { timeoutMs: 20_000, what: 'a second snapshot' })
  await revoke('s1')
  positions = bus.feed.startOffsets(topic)
  await until(async () => {
    await mark()
    return feed.isReady
  }, { timeoutMs: 20_000, what: 'the reader to be ready' })
  expect(feed.verdictOn(sessionFacts('s1'))).toBe('revoked')
})
