import { encodeEvent, eventKey, type BusRecord, type FeedReader, type OutgoingRecord, type Tail, type TailOptions } from '@curfew/bus'
import { events, topics, type EventSpec, type PublicJwk, type RevocationRecord } from '@curfew/contracts'
import { MapDenylist, type TokenFacts } from '@curfew/denylist'
import { instant, ManualClock, tenantId, toIso, type Instant } from '@curfew/kernel'
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { snapshotParts } from './read-snapshot.js'
import type { Pause } from './renew-terms.adapter.js'
import { signRecord } from './signature.js'
import type { FeedHome, FeedTerms, SignedSnapshot } from './terms.js'

// What the feed's own specs stand on: a control plane, a log and a time that do exactly what a test says.

export const topic = topics.revocations.name
export const acme = tenantId('acme')
export const start = 1_795_500_000_000

export interface FeedKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: PublicJwk
}

export function feedKey(kid: string): FeedKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { kid, privateKey, jwk: { ...(publicKey.export({ format: 'jwk' }) as { kty: string }), kid } }
}

/** A record as the control plane publishes it. */
export function signed<T>(key: FeedKey, spec: EventSpec<T>, data: T, more: { tenant?: string; type?: string; version?: number } = {}): OutgoingRecord {
  const { tenant = 'default', type = spec.type, version = 1 } = more
  const id = randomUUID()
  const record = encodeEvent({ ...spec, version }, eventKey(tenant, id), { id, source: 'urn:revocation', tenant }, data, type)
  const parts = { topic: record.topic, id, source: 'urn:revocation', type, tenant, value: record.value as Buffer, version }
  return { ...record, headers: { ...record.headers, 'curfew-signature': signRecord(parts, key) } }
}

export const revocationRecord = (scope: RevocationRecord['scope'], cutoff: number | null, more: Partial<RevocationRecord> = {}): RevocationRecord => ({
  id: randomUUID(), tenant: acme, scope, cutoff: cutoff === null ? null : toIso(instant(cutoff)), except: [], decidedAt: toIso(instant(start)),
  forgetAfter: toIso(instant(start + 86_400_000)), reason: { code: 'test' }, initiator: { kind: 'client', id: 'ops' }, ...more,
})
export const watermark = (key: FeedKey, at: number, partitions = 1): OutgoingRecord => signed(key, events.watermarkAdvanced, { at: toIso(instant(at)), partitions })
export const revocation = (key: FeedKey, ...parts: Parameters<typeof revocationRecord>): OutgoingRecord => signed(key, events.revocationDecided, revocationRecord(...parts))
export const sessionFacts = (sessionId: string): TokenFacts => ({ tenant: acme, hops: [{ sessionId }], beganAt: instant(start), expiresAt: instant(start + 3_600_000) })

/** Time that moves only when told, firing what was waiting for it on the way. */
export class ScriptedTime {
  readonly clock = new ManualClock(start)
  private waiting: { at: number; resolve(): void }[] = []

  readonly pause: Pause = (ms, signal) => new Promise((resolve) => {
    if (signal.aborted) return resolve()
    this.waiting.push({ at: this.clock.monotonicMs() + ms, resolve })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

  async advance(ms: number): Promise<void> {
    const until = this.clock.monotonicMs() + ms
    await settle()
    for (let next = this.nextBefore(until); next !== undefined; next = this.nextBefore(until)) {
      this.clock.advance(next.at - this.clock.monotonicMs())
      this.waiting = this.waiting.filter((one) => one !== next)
      next.resolve()
      await settle()
    }
    this.clock.advance(until - this.clock.monotonicMs())
    await settle()
  }

  private nextBefore(until: number) {
    return this.waiting.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
  }
}

/** Lets everything that can go on without time or I/O go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A log in memory. Down, it rejects every call; a tail goes on where it is until it is told that it lost its place. */
export class ScriptedLog implements FeedReader {
  topicId = 'incarnation-1'
  isDown = false
  readonly kept: { record: BusRecord }[][]
  private readonly tails = new Map<number, TailOptions>()
  private serial = 0
  first: bigint[]

  constructor(partitions = 1) {
    this.kept = Array.from({ length: partitions }, () => [])
    this.first = this.kept.map(() => 0n)
  }

  append(record: OutgoingRecord, partition = record.partition ?? 0): BusRecord {
    const { key, value, headers } = record
    const offset = (this.first[partition] as bigint) + BigInt(this.of(partition).length)
    const kept = { topic: record.topic, partition, offset, key, value, headers, timestamp: start }
    this.of(partition).push({ record: kept })
    for (const tail of this.tails.values()) tail.onBatch(partition, [kept], offset + 1n)
    return kept
  }

  /** The topic was deleted and created again. */
  recreate(topicId: string, partitions = this.kept.length): void {
    this.topicId = topicId
    this.kept.splice(0, this.kept.length, ...Array.from({ length: partitions }, () => []))
    this.first = this.kept.map(() => 0n)
    this.lose('topic recreated')
  }

  lose(reason: string): void {
    const lost = [...this.tails.values()]
    this.tails.clear()
    for (const tail of lost) tail.onLost(reason)
  }

  get tailCount(): number {
    return this.tails.size
  }

  private of(partition: number): { record: BusRecord }[] {
    return this.kept[partition] as { record: BusRecord }[]
  }

  private up<T>(answer: T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('the log is down')) : Promise.resolve(answer)
  }

  describe = () => this.up({ topicId: this.topicId, partitions: this.kept.length })
  startOffsets = () => this.up([...this.first])
  endOffsets = () => this.up(this.kept.map((records, partition) => (this.first[partition] as bigint) + BigInt(records.length)))

  async tail(options: TailOptions): Promise<Tail> {
    await this.up(undefined)
    const number = (this.serial += 1)
    this.tails.set(number, options)
    for (const [partition, from] of options.from.entries()) {
      const end = (this.first[partition] as bigint) + BigInt(this.of(partition).length)
      if (from < (this.first[partition] as bigint) || from > end) {
        this.lose('offset out of range')
        break
      }
      const records = this.of(partition).map((one) => one.record).filter(({ offset }) => offset >= from)
      if (records.length > 0) options.onBatch(partition, records, end)
    }
    return { close: async () => void this.tails.delete(number), lastAnswerAt: () => 0 }
  }
}

/** A control plane whose primary shows the time of the given clock, unless `primaryAhead` moves it. */
export class ScriptedHome implements FeedHome {
  isDown = false
  joins = 0
  snapshots = 0
  keys: FeedKey[]
  terms: Partial<FeedTerms> = {}
  primaryAhead = 0
  /** What the snapshot holds, and the positions it covers. */
  denylist = new MapDenylist()
  positions: readonly bigint[] | undefined
  distort: (snapshot: SignedSnapshot) => SignedSnapshot = (snapshot) => snapshot
  /** Awaited before a join is answered: for answers that take their time. */
  delay: () => Promise<void> = async () => undefined

  constructor(private readonly log: ScriptedLog, private readonly clock: ManualClock, readonly signing: FeedKey) {
    this.keys = [signing]
  }

  get primary(): Instant {
    return instant(this.clock.now() + this.primaryAhead)
  }

  async join(): Promise<FeedTerms> {
    this.joins += 1
    await this.delay()
    if (this.isDown) throw new Error('the control plane is down')
    const { primary } = this
    return { primary, since: primary, topic, topicId: this.log.topicId, partitions: this.log.kept.length, keys: this.keys.map(({ jwk }) => jwk), ...this.terms }
  }

  async snapshot(): Promise<SignedSnapshot> {
    this.snapshots += 1
    if (this.isDown) throw new Error('the control plane is down')
    const positions = this.positions ?? await this.log.endOffsets()
    const document = { topic, topicId: this.log.topicId, positions: positions.map(String), takenAt: toIso(this.primary), denylist: this.denylist.snapshot() }
    const body = Buffer.from(JSON.stringify(document))
    const etag = `"${this.snapshots}"`
    return this.distort({ body, etag, signature: signRecord(snapshotParts(topic, etag, body), this.signing) })
  }
}
