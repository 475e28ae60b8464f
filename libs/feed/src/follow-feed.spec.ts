import type { BusRecord, OutgoingRecord } from '@curfew/bus'
import { events } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { instant, toIso } from '@curfew/kernel'
import { followFeed } from './follow-feed.adapter.js'
import { acme, feedKey, revocation, revocationRecord, ScriptedHome, ScriptedLog, ScriptedTime, sessionFacts, settle, signed, start, watermark } from './scripted-parts.contract.js'
import type { FeedTerms, FollowedFeed } from './terms.js'

const key = feedKey('k1')
const budgetMs = 60_000
const session = (id: string) => ({ kind: 'session', id }) as const

interface World {
  readonly time: ScriptedTime
  readonly log: ScriptedLog
  readonly home: ScriptedHome
  readonly logged: string[]
  /** The same lines with their levels. */
  readonly told: string[]
  readonly feed: FollowedFeed
  /** What the watermark loop does: the primary's now, on every partition. */
  mark(): void
}

const open: FollowedFeed[] = []
afterEach(() => Promise.all(open.splice(0).map((feed) => feed.close())))

async function world({ partitions = 1, prepare }: { partitions?: number; prepare?: (parts: Omit<World, 'feed' | 'mark'>) => void } = {}): Promise<World> {
  const time = new ScriptedTime()
  const log = new ScriptedLog(partitions)
  const home = new ScriptedHome(log, time.clock, key)
  const logged: string[] = []
  const told: string[] = []
  const say = (level: string) => (_fields: object, message: string): void => {
    logged.push(message)
    told.push(`${level}: ${message}`)
  }
  prepare?.({ time, log, home, logged, told })
  const feed = followFeed({ home, reader: log, clock: time.clock, log: { info: say('info'), warn: say('warn'), error: say('error') }, budgetMs, pause: time.pause, random: () => 0.5 })
  open.push(feed)
  await settle()
  const mark = (): void => log.kept.forEach((_records, partition) => void log.append(watermark(home.signing, home.primary, log.kept.length), partition))
  return { time, log, home, logged, told, feed, mark }
}

async function ready(options?: Parameters<typeof world>[0]): Promise<World> {
  const all = await world(options)
  all.mark()
  expect(all.feed.status().unready).toBeUndefined()
  return all
}

describe('ready means caught up (I10)', () => {
  test('without a watermark it is not, however much it has read', async () => {
    const { feed } = await world()
    expect([feed.isReady, feed.verdictOn(sessionFacts('s')), feed.stalenessMs()]).toEqual([false, 'stale', Infinity])
  })

  test('a watermark older than its registration does not make it ready, one as old does', async () => {
    const { feed, log, home } = await world({ partitions: 2 })
    for (const partition of [0, 1]) log.append(watermark(key, home.primary - 1, 2), partition)
    expect(feed.isReady).toBe(false)
    for (const partition of [0, 1]) log.append(watermark(key, home.primary, 2), partition)
    await feed.whenReady()
    expect([feed.isReady, feed.verdictOn(sessionFacts('s'))]).toEqual([true, 'allowed'])
  })

  test('a watermark over two partitions needs both', async () => {
    const { feed, log, home } = await world({ partitions: 2 })
    log.append(watermark(key, home.primary, 2), 0)
    expect(feed.isReady).toBe(false)
  })

  test('until it has passed the end offsets captured when it joined, it is not', async () => {
    let late = (): void => undefined
    let early = (): void => undefined
    const { feed } = await world({ prepare: ({ log: before, home }) => {
      for (let n = 0; n < 5; n += 1) before.append(revocation(key, session(`old-${n}`), null))
      home.positions = [2n]
      // What was there when it joined, but comes late.
      before.tail = async (options) => {
        late = () => options.onBatch(0, before.kept[0]!.slice(2).map(({ record }) => record), 5n)
        early = () => options.onBatch(0, [{ ...before.append(watermark(key, start)), offset: 3n }], 4n)
        return { close: async () => undefined, lastAnswerAt: () => 0 }
      }
    } })
    early()
    expect([feed.isReady, feed.status().unready]).toEqual([false, 'the feed is still being read up to where it ended when this reader joined'])
    late()
    expect([feed.isReady, feed.verdictOn(sessionFacts('old-4'))]).toEqual([true, 'revoked'])
  })

  test('the snapshot counts: what it holds is dead, and so is what follows it', async () => {
    const { feed, log } = await ready({ prepare: ({ log: before, home }) => {
      home.denylist.apply({ tenant: sessionFacts('x').tenant, scope: session('snap'), cutoff: null, except: [], forgetAfter: instant(start + 1e9) })
      before.append(revocation(key, session('below'), null))
      home.positions = [1n]
      before.append(revocation(key, session('above'), null))
    } })
    log.append(revocation(key, session('live'), null))
    expect(['snap', 'below', 'above', 'live'].map((id) => feed.verdictOn(sessionFacts(id)))).toEqual(['revoked', 'allowed', 'revoked', 'revoked'])
    expect([feed.entries(), feed.status().positions]).toEqual([3, ['4']])
  })

  test('a gateway that had to register anew is ready again only with a watermark since then', async () => {
    const { feed, home, time, mark } = await ready({ prepare: ({ home: before }) => (before.terms = { leaseMs: 9_000, since: instant(start) }) })
    await time.advance(2_000)
    mark()
    home.terms = { leaseMs: 9_000, since: instant(start + 2_500) }
    await time.advance(1_000)
    expect(feed.isReady).toBe(false)
    mark()
    expect(feed.isReady).toBe(true)
  })
})

describe('what it answers ages (PROTOCOL section 7)', () => {
  test('at the budget it still answers, one millisecond past it no more, by no timer but by the clock at the call', async () => {
    const { feed, time, home } = await ready()
    home.isDown = true
    // Drift makes the bound run 0.1 % fast.
    time.clock.advance(59_940)
    expect([feed.stalenessMs(), feed.verdictOn(sessionFacts('s'))]).toEqual([60_000, 'allowed'])
    time.clock.advance(1)
    expect([feed.verdictOn(sessionFacts('s')), feed.isReady]).toEqual(['stale', false])
  })

  test('a stepped wall clock counts when it steps forward, and hides nothing when it steps back', async () => {
    const { feed, time } = await ready()
    time.clock.advance(1_000)
    time.clock.step(-3_600_000)
    expect(feed.stalenessMs()).toBe(1_001)
    time.clock.step(3_600_000 + 120_000)
    expect(feed.verdictOn(sessionFacts('s'))).toBe('stale')
  })

  test('a primary whose clock is set back by ten minutes makes nobody look fresh: with the log away it is stale past the budget, and true watermarks bring it back', async () => {
    const { feed, home, time, log, mark } = await ready({ prepare: ({ home: before }) => (before.terms = { since: instant(start) }) })
    home.primaryAhead = 600_000
    await time.advance(10_000)
    mark()
    expect(feed.stalenessMs()).toBeLessThan(1_000)
    home.primaryAhead = 0
    await time.advance(80_000)
    expect(feed.verdictOn(sessionFacts('s'))).toBe('stale')
    log.append(revocation(key, session('dead'), null))
    mark()
    expect([feed.verdictOn(sessionFacts('s')), feed.verdictOn(sessionFacts('dead'))]).toEqual(['allowed', 'revoked'])
  })

  test('a hold with an end is not lifted early by a wall clock that is five minutes fast', async () => {
    const { feed, home, log, time, mark } = await ready({ prepare: ({ home: before }) => {
      before.primaryAhead = -300_000
      before.terms = { since: instant(start - 300_000) }
    } })
    log.append(signed(key, events.quarantineChanged, {
      tenant: acme, agentId: 'bot', version: 1, quarantined: true, until: toIso(instant(home.primary + 60_000)), forgetAfter: toIso(instant(start + 86_400_000)),
      initiator: { kind: 'client', id: 'ops' }, reason: { code: 'test' },
    }))
    const facts = { ...sessionFacts('s'), hops: [{ agentId: 'bot' }] as const }
    expect(feed.verdictOn(facts)).toBe('revoked')
    await time.advance(61_000)
    mark()
    expect(feed.verdictOn(facts)).toBe('allowed')
  })

  test('records without watermarks keep nobody fresh (I9)', async () => {
    const { feed, log, time } = await ready()
    for (let n = 0; n < 13; n += 1) {
      await time.advance(5_000)
      log.append(revocation(key, session(`s${n}`), null))
    }
    expect(feed.verdictOn(sessionFacts('other'))).toBe('stale')
  })

  test('a watermark brings it back at once, and a revoked session stays revoked', async () => {
    const { feed, log, time, mark } = await ready()
    log.append(revocation(key, session('dead'), null))
    await time.advance(70_000)
    expect(feed.isReady).toBe(false)
    mark()
    expect([feed.verdictOn(sessionFacts('dead')), feed.verdictOn(sessionFacts('s'))]).toEqual(['revoked', 'allowed'])
  })

  test('a smaller budget acknowledged by the control plane wins, a larger one does not', async () => {
    const small = await ready({ prepare: ({ home }) => (home.terms = { budgetMs: 5_000 }) })
    const large = await ready({ prepare: ({ home }) => (home.terms = { budgetMs: 500_000 }) })
    for (const { time } of [small, large]) time.clock.advance(6_000)
    expect([small, large].map(({ feed }) => [feed.status().budgetMs, feed.isReady])).toEqual([[5_000, false], [60_000, true]])
  })

  test('the primary\'s clock counts from the instant the renewal was sent, not from its answer', async () => {
    let answer = (): void => undefined
    const { feed, time, home, mark } = await ready()
    home.delay = () => new Promise((resolve) => (answer = resolve))
    await time.advance(10_000)
    mark()
    // Asked at 10 s and answered 3 s later with the primary's time of the answer: the bound keeps both, the larger uncertainty.
    time.clock.advance(3_000)
    answer()
    await settle()
    expect(feed.stalenessMs()).toBeGreaterThanOrEqual(6_000)
  })

  test('past its lease, counted from the send instant, it refuses though its denylist is fresh (I11)', async () => {
    const { feed, time, home, mark } = await ready({ prepare: ({ home: before }) => (before.terms = { leaseMs: 9_000, since: instant(start) }) })
    home.isDown = true
    time.clock.advance(8_990)
    mark()
    expect(feed.isReady).toBe(true)
    time.clock.advance(2)
    mark()
    expect([feed.status().unready, feed.verdictOn(sessionFacts('s'))]).toEqual(['the lease was not renewed in time', 'stale'])
    home.isDown = false
    await time.advance(5_000)
    mark()
    expect(feed.isReady).toBe(true)
  })
})

describe('renewals', () => {
  test('come at a third of a short lease, and every ten seconds under a long one or none', async () => {
    const short = await ready({ prepare: ({ home }) => (home.terms = { leaseMs: 9_000 }) })
    const long = await ready({ prepare: ({ home }) => (home.terms = { leaseMs: 90_000 }) })
    const free = await ready()
    for (const { time } of [short, long, free]) await time.advance(30_000)
    expect([short.home.joins, long.home.joins, free.home.joins]).toEqual([11, 4, 4])
  })

  // DESIGN section 8. Whenever the control plane goes away, what is left of the lease outlasts the budget: with a fresh watermark it would still serve then.
  test.each([1_000, 60_000, 600_000])('keep more than the budget of %i ms on the lease at any time', async (budget) => {
    const lease = { leaseMs: budget + 30_000, since: instant(start) }
    for (let goneAfter = 0; goneAfter <= 10_500; goneAfter += 500) {
      const { feed, home, time, mark } = await ready({ prepare: ({ home: before }) => (before.terms = { ...lease }) })
      await time.advance(30_000 + goneAfter)
      home.isDown = true
      await time.advance(budget)
      mark()
      expect([goneAfter, feed.status().unready]).toEqual([goneAfter, undefined])
      await feed.close()
    }
  })

  test('that stop end its service by the budget and not by the lease', async () => {
    const { feed, home, time, mark } = await ready({ prepare: ({ home: before }) => (before.terms = { leaseMs: budgetMs + 30_000, since: instant(start) }) })
    await time.advance(39_900)
    mark()
    home.isDown = true
    await time.advance(59_000)
    expect(feed.verdictOn(sessionFacts('s'))).toBe('allowed')
    await time.advance(2_000)
    expect(feed.status().unready).toBe('the denylist is older than the budget allows')
  })

  test('that fail are tried again sooner, with growing pauses, for ever, and then go on at their own pace', async () => {
    const { home, time } = await ready()
    home.isDown = true
    await time.advance(10_000 + 600_000)
    const failed = home.joins - 1
    expect(failed).toBeGreaterThan(120)
    expect(failed).toBeLessThan(200)
    home.isDown = false
    await time.advance(5_000)
    const joins = home.joins
    await time.advance(30_000)
    expect(home.joins - joins).toBe(3)
  })

  test('bring new keys and drop old ones', async () => {
    const { feed, home, log, time } = await ready()
    const next = feedKey('k2')
    home.keys = [next]
    await time.advance(10_000)
    log.append(revocation(next, session('by-new'), null))
    log.append(revocation(key, session('by-old'), null))
    await settle()
    expect([feed.verdictOn(sessionFacts('by-new')), feed.verdictOn(sessionFacts('by-old')), feed.status().alarms.notAuthentic]).toEqual(['revoked', 'allowed', 1])
  })
})

describe('authenticity, for readers in groups of their own', () => {
  const asRecord = (log: ScriptedLog): BusRecord => log.kept[0]!.at(-1)!.record

  test('is what a gateway would say: signed records are authentic, changed and unsigned ones are forged', async () => {
    const { feed, log } = await ready()
    log.append(revocation(key, session('s1'), null))
    const record = asRecord(log)
    expect(feed.authenticityOf(record)).toBe('authentic')
    expect(feed.authenticityOf({ ...record, value: Buffer.from(String(record.value).replace('s1', 's2')) })).toBe('forged')
    const { 'curfew-signature': _, ...headers } = record.headers
    expect(feed.authenticityOf({ ...record, headers })).toBe('forged')
    expect(feed.authenticityOf({ ...record, value: null })).toBe('forged')
  })

  test('is unknown before any keys are, and under a young key until it was asked for', async () => {
    const { feed, home, log } = await ready()
    const next = feedKey('k2')
    home.keys = [key, next]
    log.append(revocation(next, session('s1'), null))
    const record = asRecord(log)
    await settle()
    expect(feed.authenticityOf(record)).toBe('authentic')
    const invented = revocation(feedKey('k9'), session('s1'), null)
    log.append(invented)
    await settle()
    expect(feed.authenticityOf(asRecord(log))).toBe('forged')
    const away = await world({ prepare: ({ home: before }) => (before.isDown = true) })
    expect(away.feed.authenticityOf(record)).toBe('unknown')
    await away.feed.close()
  })

  test('is unknown under an unknown key for as long as the control plane cannot be asked, and settled when it answers', async () => {
    const { feed, home, log, time } = await ready()
    const [next, invented] = [feedKey('k2'), feedKey('k9')]
    log.append(revocation(next, session('s1'), null))
    const young = asRecord(log)
    log.append(revocation(invented, session('s2'), null))
    const forged = asRecord(log)
    await settle()
    home.isDown = true
    for (let second = 0; second < 60; second += 1) {
      await time.advance(1_000)
      if (second >= 10) expect([second, feed.authenticityOf(young)]).toEqual([second, 'unknown'])
    }
    home.isDown = false
    home.keys = [key, next]
    await time.advance(5_000)
    expect([feed.authenticityOf(young), feed.authenticityOf(asRecord(log)), feed.authenticityOf({ ...young, headers: {} })]).toEqual(['authentic', 'unknown', 'forged'])
    await settle()
    expect(feed.authenticityOf(forged)).toBe('forged')
  })

  test('condemns nothing for a key it did not know when it was closed', async () => {
    const { feed, log } = await ready()
    log.append(revocation(feedKey('k2'), session('s1'), null))
    await settle()
    expect(feed.authenticityOf(asRecord(log))).toBe('forged')
    await feed.close()
    expect(feed.authenticityOf(asRecord(log))).toBe('unknown')
  })
})

describe('a record under an unknown key', () => {
  test('waits for newer terms, with all that follows it, and is applied when they name its key', async () => {
    const { feed, home, log } = await ready()
    const next = feedKey('k2')
    home.keys = [key, next]
    log.append(revocation(next, session('s1'), null))
    log.append(watermark(key, home.primary))
    expect([feed.entries(), feed.status().positions]).toEqual([0, ['1']])
    await settle()
    expect([feed.verdictOn(sessionFacts('s1')), feed.status().positions, feed.status().alarms.notAuthentic, home.joins]).toEqual(['revoked', ['3'], 0, 2])
  })

  test('is skipped and counted when they do not, and invented keys cost one request in ten seconds', async () => {
    const { feed, home, log, logged, mark, time } = await ready()
    for (let n = 0; n < 50; n += 1) {
      log.append(revocation(feedKey(`k${n + 2}`), session('s1'), null))
      await settle()
    }
    mark()
    expect([home.joins, feed.status().alarms.notAuthentic, feed.isReady, feed.entries()]).toEqual([2, 50, true, 0])
    expect(logged.filter((line) => line === 'a record of the feed was not applied')).toHaveLength(1)
    await time.advance(9_999)
    log.append(revocation(feedKey('again'), session('s1'), null))
    await time.advance(1)
    expect(home.joins).toBeLessThanOrEqual(4)
  })

  test('that was skipped and turns out to be the control plane\'s: no watermark covers it until a snapshot does', async () => {
    const { feed, home, log, time } = await ready()
    const next = feedKey('k2')
    home.isDown = true
    const lost = log.append(revocation(next, session('missed'), null))
    await settle()
    expect(feed.status().alarms.notAuthentic).toBe(1)
    home.isDown = false
    home.keys = [key, next]
    home.positions = [lost.offset]
    await time.advance(10_000)
    log.append(watermark(next, home.primary))
    expect([feed.status().frozenPartitions, feed.stalenessMs()]).toEqual([[0], 10_000])
    home.positions = [lost.offset + 1n]
    home.denylist.apply({ tenant: sessionFacts('x').tenant, scope: session('missed'), cutoff: null, except: [], forgetAfter: instant(start + 1e9) })
    await time.advance(30_000)
    log.append(watermark(next, home.primary))
    expect([feed.status().frozenPartitions, feed.stalenessMs(), feed.verdictOn(sessionFacts('missed'))]).toEqual([[], 0, 'revoked'])
  })

  test('while too many wait, the waiting ends', async () => {
    const { feed, home, log } = await ready()
    home.delay = () => new Promise(() => undefined)
    log.append(revocation(feedKey('k2'), session('s1'), null))
    const one = revocation(key, session('s2'), null)
    for (let n = 0; n <= 10_000; n += 1) log.append(one)
    expect([feed.status().alarms.notAuthentic, feed.verdictOn(sessionFacts('s2'))]).toEqual([1, 'revoked'])
    home.delay = async () => undefined
    open.splice(open.indexOf(feed), 1)
  })
})

describe('strangers\' records', () => {
  const garbage: OutgoingRecord = { topic: 'curfew.revocations.v1', key: null, value: Buffer.from('garbage'), headers: {} }

  test('are skipped, counted and alarmed; they freeze nothing and end nothing', async () => {
    const { feed, log, logged, time, mark } = await ready()
    for (let n = 0; n < 1_000; n += 1) log.append(garbage)
    await time.advance(1_000)
    mark()
    expect([feed.isReady, feed.status().alarms, feed.stalenessMs()]).toEqual([true, { notAuthentic: 1_000, notUnderstood: 0, aheadOfTime: 0 }, 1])
    expect(logged.filter((line) => line === 'a record of the feed was not applied')).toHaveLength(1)
  })
})

describe('an authentic record that is not understood', () => {
  const future = () => signed(key, events.revocationDecided, revocationRecord(session('v2'), null), { version: 2 })

  test('freezes its partition: the rest is applied, and staleness grows past the budget', async () => {
    const { feed, home, log, time } = await ready({ partitions: 2 })
    log.append(future(), 1)
    home.isDown = true
    await time.advance(30_000)
    for (const partition of [0, 1]) log.append(watermark(key, home.primary, 2), partition)
    log.append(revocation(key, session('s1'), null), 1)
    expect([feed.stalenessMs() >= 20_000, feed.status().frozenPartitions, feed.verdictOn(sessionFacts('s1'))]).toEqual([true, [1], 'revoked'])
    await time.advance(40_000)
    expect(feed.verdictOn(sessionFacts('s2'))).toBe('stale')
  })

  test('is got past by a snapshot that covers it', async () => {
    const { feed, home, log, time, mark } = await ready()
    log.append(future())
    home.denylist.apply({ tenant: sessionFacts('x').tenant, scope: session('v2'), cutoff: null, except: [], forgetAfter: instant(start + 1e9) })
    await time.advance(10_000)
    mark()
    expect([feed.status().frozenPartitions, feed.isReady, feed.verdictOn(sessionFacts('v2')), feed.status().alarms.notUnderstood]).toEqual([[], true, 'revoked', 1])
  })

  test('that no snapshot covers stays where it is, and is asked about with growing pauses', async () => {
    const { feed, home, log, time, mark } = await ready()
    const at = log.append(future())
    home.positions = [at.offset]
    await time.advance(61_000)
    mark()
    expect([feed.status().frozenPartitions, feed.isReady, home.snapshots]).toEqual([[0], false, 4])
    await time.advance(600_000)
    expect(home.snapshots).toBeLessThan(9)
  })

  test('is read again after a lost place, and freezes again before any later watermark', async () => {
    const { feed, home, log, time, mark } = await ready()
    const at = log.append(future())
    mark()
    home.positions = [at.offset]
    log.lose('offset out of range')
    await time.advance(1_000)
    mark()
    expect([feed.status().bootstraps, feed.status().frozenPartitions, feed.status().watermark]).toEqual([2, [0], start])
  })
})

describe('a place that is lost', () => {
  test('means a new snapshot; what is known stays known, and it answers on within its budget', async () => {
    const { feed, home, log, time, mark } = await ready()
    log.append(revocation(key, session('s1'), null))
    home.isDown = true
    log.lose('offset out of range')
    await settle()
    expect([feed.isReady, feed.verdictOn(sessionFacts('s1')), feed.verdictOn(sessionFacts('s2')), log.tailCount]).toEqual([true, 'revoked', 'allowed', 0])
    home.isDown = false
    await time.advance(10_000)
    mark()
    expect([feed.status().bootstraps, feed.verdictOn(sessionFacts('s1')), feed.stalenessMs(), log.tailCount]).toEqual([2, 'revoked', 0, 1])
  })

  test('in a topic created anew: nothing un-revokes, and watermarks start anew', async () => {
    const { feed, log, time, mark } = await ready()
    log.append(revocation(key, session('s1'), null))
    log.recreate('incarnation-2')
    await time.advance(1_000)
    expect([feed.status().topicId, feed.isReady]).toEqual(['incarnation-2', false])
    mark()
    expect([feed.verdictOn(sessionFacts('s1')), feed.isReady]).toEqual(['revoked', true])
  })

  test('is noticed by the terms even when the reader does not say so', async () => {
    const { feed, log, time, mark } = await ready()
    log.topicId = 'incarnation-2'
    await time.advance(11_000)
    mark()
    expect([feed.status().topicId, feed.status().bootstraps, feed.isReady]).toEqual(['incarnation-2', 2, true])
  })

  test('is found again when the topic grew', async () => {
    const { feed, log, time, mark } = await ready()
    log.kept.push([])
    log.first.push(0n)
    log.append(watermark(key, start, 2))
    expect(feed.isReady).toBe(false)
    await time.advance(1_000)
    mark()
    expect([feed.status().positions.length, feed.isReady]).toEqual([2, true])
  })

  test('outside what the log retains is no reason to skip: it starts over until the snapshot fits', async () => {
    const { feed, home, log, time, mark } = await world({ prepare: ({ log: before, home: at }) => {
      before.first = [50n]
      at.positions = [3n]
    } })
    await time.advance(60_000)
    expect([feed.isReady, feed.status().bootstraps > 5]).toEqual([false, true])
    home.positions = undefined
    await time.advance(6_000)
    mark()
    expect([feed.isReady, log.tailCount]).toEqual([true, 1])
  })
})

describe('a snapshot is believed only', () => {
  const cases: [string, (parts: Omit<World, 'feed' | 'mark'>) => void, (parts: World) => void][] = [
    ['signed', ({ home }) => (home.distort = (one) => ({ ...one, signature: undefined })), ({ home }) => (home.distort = (one) => one)],
    ['as it was signed', ({ home }) => (home.distort = (one) => ({ ...one, body: Buffer.concat([one.body, Buffer.from(' ')]) })), ({ home }) => (home.distort = (one) => one)],
    ['under its own entity tag', ({ home }) => (home.distort = (one) => ({ ...one, etag: '"x"' })), ({ home }) => (home.distort = (one) => one)],
    ['of the incarnation that the log has', ({ home }) => (home.terms = { topicId: 'other' }), ({ home }) => (home.terms = {})],
    ['over the partitions that the terms name', ({ home }) => (home.positions = [0n, 0n]), ({ home }) => (home.positions = undefined)],
    ['without cutoffs from the future', ({ home }) => home.denylist.apply(
      { tenant: sessionFacts('x').tenant, scope: { kind: 'tenant' }, cutoff: instant(start + 1e9), except: [], forgetAfter: instant(start + 1e10) }), ({ home }) => (home.denylist = new MapDenylist())],
  ]
  test.each(cases)('%s, and until then it is asked for again', async (_what, spoil, mend) => {
    const all = await world({ prepare: spoil })
    await all.time.advance(20_000)
    all.mark()
    expect([all.feed.isReady, all.feed.entries(), all.feed.status().bootstraps]).toEqual([false, 0, 0])
    mend(all)
    await all.time.advance(10_000)
    all.mark()
    expect(all.feed.status().unready).toBeUndefined()
  })
})

describe('with everything away', () => {
  test.each(['the control plane', 'the log', 'both'])('%s: it starts, waits and becomes ready when they are back', async (what) => {
    const { feed, home, log, time, mark } = await world({ prepare: (parts) => {
      parts.home.isDown = what !== 'the log'
      parts.log.isDown = what !== 'the control plane'
    } })
    await time.advance(300_000)
    expect([feed.isReady, feed.verdictOn(sessionFacts('s'))]).toEqual([false, 'stale'])
    const becoming = feed.whenReady()
    home.isDown = log.isDown = false
    await time.advance(10_000)
    mark()
    await becoming
    expect(feed.isReady).toBe(true)
  })
})

describe('an outage is told once', () => {
  const terms = 'the control plane did not answer with its terms; trying again'
  const following = 'the feed cannot be followed yet; trying again'
  const times = (told: readonly string[], line: string): number => told.filter((each) => each === line).length

  test('neighbours that start together are no news: nothing is told aloud in the first five seconds', async () => {
    const { home, log, time, told } = await world({ prepare: (parts) => (parts.home.isDown = parts.log.isDown = true) })
    await time.advance(4_000)
    home.isDown = log.isDown = false
    await time.advance(5_000)
    expect([...told].sort()).toEqual([`info: ${following}`, `info: ${terms}`, 'info: the control plane answers again', 'info: the feed is followed now'].sort())
  })

  test('what lasts is told aloud after five seconds, then every thirty, and its end quietly', async () => {
    const { home, log, time, told } = await ready()
    home.isDown = log.isDown = true
    log.lose('offset out of range')
    await time.advance(100_000)
    // At 5, 35, 65 and 95 seconds, or with the first attempt after.
    expect(['info', 'warn'].map((level) => [terms, following].map((line) => times(told, `${level}: ${line}`)))).toEqual([[1, 1], [4, 4]])
    expect(times(told, 'warn: the feed starts over from a snapshot')).toBe(1)
    home.isDown = log.isDown = false
    await time.advance(20_000)
    expect(['info: the control plane answers again', 'info: the feed is followed now'].map((line) => times(told, line))).toEqual([1, 1])
    expect(times(told, `warn: ${terms}`)).toBe(4)
  })

  test('whoever never was away is not told to be back', async () => {
    const { time, told, mark } = await ready()
    for (let n = 0; n < 10; n += 1) {
      await time.advance(10_000)
      mark()
    }
    expect(told).toEqual([])
  })
})

test('forgetting needs the clock and the watermark past forget-after (I8)', async () => {
  const { feed, log, home, time, mark } = await ready()
  log.append(revocation(key, session('old'), null, { forgetAfter: new Date(start).toISOString() }))
  home.isDown = true
  await time.advance(2 * 3_600_000)
  expect(feed.entries()).toBe(1)
  home.isDown = false
  await time.advance(10_000)
  mark()
  await time.advance(60_000)
  expect(feed.entries()).toBe(0)
})

describe('closed', () => {
  test('it answers stale, asks nobody any more, leaves no tail, and tells whoever waited', async () => {
    const { feed, home, log, time } = await world()
    const waiting = feed.whenReady()
    const told = expect(waiting).rejects.toThrow('closed')
    await feed.close()
    await told
    const { joins, snapshots } = home
    await time.advance(600_000)
    expect([feed.verdictOn(sessionFacts('s')), feed.isReady, home.joins, home.snapshots, log.tailCount]).toEqual(['stale', false, joins, snapshots, 0])
    await expect(feed.whenReady()).rejects.toThrow('closed')
    await feed.close()
  })

  test('while a join is under way, it waits for that one, so that no registration comes after leaving', async () => {
    let answer = (_terms: void): void => undefined
    const { feed, home, time } = await ready()
    home.delay = () => new Promise((resolve) => (answer = resolve))
    await time.advance(10_000)
    let isClosed = false
    const closing = feed.close().then(() => (isClosed = true))
    await settle()
    expect(isClosed).toBe(false)
    answer()
    await closing
  })

  test('while the log does not answer, it does not wait for it; a tail that comes late is closed', async () => {
    let closedLate = false
    let answer = (): void => undefined
    const { feed } = await world({ prepare: ({ log }) => {
      log.tail = () => new Promise((resolve) => (answer = () => resolve({ close: async () => void (closedLate = true), lastAnswerAt: () => 0 })))
    } })
    await feed.close()
    answer()
    await settle()
    expect(closedLate).toBe(true)
  })
})

test('terms hold whatever their members, and never end it', async () => {
  const odd: Partial<FeedTerms>[] = [{ keys: [{ kty: 'RSA', kid: 'r' }, { kty: 'OKP', crv: 'Ed25519', x: '!', kid: 'bad' }] }, { leaseMs: 1 }, { budgetMs: 0 }]
  for (const terms of odd) {
    const { feed, time } = await world({ prepare: ({ home }) => (home.terms = terms) })
    await time.advance(100)
    expect(feed.verdictOn(sessionFacts('s'))).toBe('stale')
  }
})
