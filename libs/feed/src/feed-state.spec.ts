import { decodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, readInstant, type RevocationRecord } from '@curfew/contracts'
import { MapDenylist } from '@curfew/denylist'
import { instant } from '@curfew/kernel'
import fc from 'fast-check'
import { FeedState } from './feed-state.js'
import { pauseAfter } from './back-off.js'
import { acme, feedKey, revocationRecord, ScriptedHome, ScriptedLog, ScriptedTime, sessionFacts, signed, start, topic, watermark } from './scripted-parts.contract.js'
import { readSnapshot } from './read-snapshot.js'

const key = feedKey('k1')
const partitions = 2

function applyTo(denylist: MapDenylist, { scope, cutoff, except, forgetAfter }: RevocationRecord): void {
  denylist.apply({ tenant: acme, scope, except, cutoff: cutoff === null ? null : readInstant(cutoff), forgetAfter: readInstant(forgetAfter) })
}

// A small world of names, so that entries meet and merge.
const decided = fc.oneof(
  fc.record({ id: fc.constantFrom('s1', 's2', 's3') }).map(({ id }) => revocationRecord({ kind: 'session', id }, null)),
  fc.record({ sub: fc.constantFrom('alice', 'bob'), cutoff: fc.nat(50), except: fc.subarray(['s1', 's2', 's3']) })
    .map(({ sub, cutoff, except }) => revocationRecord({ kind: 'subject', issuer: 'https://i.test', sub }, start - 100 + cutoff, { except })),
)

/** What a publisher may do by PROTOCOL section 5: accept, publish what is accepted again and again in any order, and mark only after all acks. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('accept' as const), record: decided, partition: fc.nat(partitions - 1) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('publish' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('mark' as const) }) },
)

interface Accepted {
  readonly record: RevocationRecord
  readonly signed: OutgoingRecord
  readonly partition: number
  readonly at: number
  isPublished: boolean
}

function published(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): { log: ScriptedLog; accepted: Accepted[] } {
  const log = new ScriptedLog(partitions)
  const accepted: Accepted[] = []
  const publish = (one: Accepted): void => {
    log.append(one.signed, one.partition)
    one.isPublished = true
  }
  for (const [at, each] of steps.entries()) {
    if (each.does === 'accept') accepted.push({ record: each.record, signed: signed(key, events.revocationDecided, each.record), partition: each.partition, at, isPublished: false })
    if (each.does === 'publish' && accepted.length > 0) publish(accepted[each.which % accepted.length] as Accepted)
    if (each.does === 'mark') {
      for (const one of accepted.filter(({ isPublished }) => !isPublished).reverse()) publish(one)
      for (let partition = 0; partition < partitions; partition += 1) log.append(watermark(key, start + at, partitions), partition)
    }
  }
  return { log, accepted }
}

const run = fc.record({
  steps: fc.array(step, { maxLength: 25 }),
  /** Where each life of the reader takes its snapshot, as a share of each partition, and how many batches it then reads of which size. */
  lives: fc.array(fc.record({ shares: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    batches: fc.array(fc.record({ partition: fc.nat(partitions - 1), size: fc.integer({ min: 1, max: 4 }) }), { maxLength: 12 }) }), { minLength: 1, maxLength: 3 }),
})

test('whatever the order, repeats, batches and snapshots: the reader ends with the model\'s denylist, and no watermark of it ever claims too much (I1, I9)', async () => {
  await fc.assert(fc.asyncProperty(run, async ({ steps, lives }) => {
    const { log, accepted } = published(steps)
    const time = new ScriptedTime()
    time.clock.advance(1_000)
    const home = new ScriptedHome(log, time.clock, key)
    const state = new FeedState({ clock: time.clock, budgetMs: 60_000, decode: decodeEvent, newerKeysAreComing: () => false, onAlarm: () => expect('an alarm').toBe('none') })
    const terms = { ...(await home.join()), since: instant(0) }
    state.takeTerms(terms, { primary: home.primary, sentMonotonicMs: time.clock.monotonicMs(), sentWallMs: time.clock.now() })
    const claimsHold = (): void => {
      const { watermark: claimed = 0 } = state.status()
      const missing = accepted.filter(({ at, record }) => start + at < claimed && isUnknown(state.denylist, record))
      expect(missing).toEqual([])
    }
    for (const [life, { shares, batches }] of lives.entries()) {
      const positions = shares.map((share, partition) => BigInt(Math.round(share * log.kept[partition]!.length)))
      home.positions = positions
      home.denylist = covered(log, positions)
      state.takeSnapshot(readSnapshot(await home.snapshot(), terms, state.verifyingKeys, home.primary), await log.endOffsets())
      claimsHold()
      const next = positions.map(Number)
      const isLast = life === lives.length - 1
      for (const { partition, size } of isLast ? [...batches, { partition: 0, size: 1e9 }, { partition: 1, size: 1e9 }] : batches) {
        const records = log.kept[partition]!.slice(next[partition], next[partition]! + size).map(({ record }) => record)
        next[partition] = next[partition]! + records.length
        state.takeBatch(partition, records, BigInt(next[partition]!))
        claimsHold()
      }
    }
    const model = new MapDenylist()
    for (const { record } of accepted.filter(({ isPublished }) => isPublished)) applyTo(model, record)
    expect(state.denylist.snapshot()).toEqual(model.snapshot())
  }), { numRuns: 150 })
})

function covered(log: ScriptedLog, positions: readonly bigint[]): MapDenylist {
  const denylist = new MapDenylist()
  for (const { record } of log.kept.flat()) {
    const isBelow = record.offset < (positions[record.partition] ?? 0n)
    if (isBelow && record.headers.ce_type === events.revocationDecided.type) applyTo(denylist, JSON.parse((record.value as Buffer).toString()) as RevocationRecord)
  }
  return denylist
}

/** Whether merging this record would change anything. */
function isUnknown(denylist: MapDenylist, record: RevocationRecord): boolean {
  const more = MapDenylist.restore(denylist.snapshot())
  applyTo(more, record)
  return JSON.stringify(more.snapshot()) !== JSON.stringify(denylist.snapshot())
}

test('a snapshot beside the tail is ignored when it is of another incarnation', async () => {
  const { clock } = new ScriptedTime()
  const log = new ScriptedLog()
  const home = new ScriptedHome(log, clock, key)
  const state = new FeedState({ clock, budgetMs: 1, decode: decodeEvent, newerKeysAreComing: () => false, onAlarm: () => undefined })
  home.denylist.apply({ tenant: acme, scope: { kind: 'session', id: 's' }, cutoff: null, except: [], forgetAfter: instant(start) })
  state.takeTerms(await home.join(), { primary: home.primary, sentMonotonicMs: 0, sentWallMs: start })
  const document = readSnapshot(await home.snapshot(), await home.join(), state.verifyingKeys, home.primary)
  state.takeSnapshotBeside(document)
  expect([state.denylist.size, state.verdictOn(sessionFacts('s')), document.topic]).toEqual([0, 'stale', topic])
})

test('pauses double up to their limit, at least half of each at random', () => {
  const limits = { firstMs: 100, mostMs: 1_000 }
  expect([1, 2, 3, 4, 5, 1_000].map((failures) => pauseAfter(failures, limits, 0.999))).toEqual([100, 200, 400, 800, 1_000, 1_000])
  expect([1, 5].map((failures) => pauseAfter(failures, limits, 0))).toEqual([50, 500])
})
