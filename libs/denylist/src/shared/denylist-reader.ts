import type { Instant } from '@curfew/kernel'
import type { Verdict } from '../denylist.js'
import type { TokenFacts } from '../facts.js'
import { Fingerprinter } from '../fingerprint.js'
import { prepareFacts, type PreparedFacts } from '../prepared.js'
import { bucketsOf, codeFrom, codeOf, firstBucket, flagsTable, hasExceptions, header, headsTable, magic, pageIn, prefixOf, readerStride, rootLimit, rootWords, secondBucket,
  slotWordsOf, spillBuckets, tableOf, tagOf, wideFrom } from './layout.js'
import { nextInPage, zeroBytes } from './page.js'

const absoluteBuckets = bucketsOf(4) - spillBuckets
const wideBuckets = bucketsOf(6) - spillBuckets

/** What a thread needs to read the denylist: plain data for `workerData` or `postMessage`, though the buffer in it stays shared. One descriptor is one reader. */
export interface DenylistDescriptor {
  readonly memory: SharedArrayBuffer
  readonly key: Uint8Array
  readonly reader: number
}

/**
 * Reads a denylist that another thread writes, without locks, waits or retries (`layout.ts` argues why). A verdict includes every change whose
 * version the writer had reached when it was asked. It takes no part in staleness: whether the denylist is fresh is the feed's to say.
 */
export class DenylistReader {
  private words: Int32Array
  private readonly fingerprints: Fingerprinter
  /** Where this reader says that it is looking: odd while it is. */
  private readonly own: number
  private looks = 0

  private constructor(private readonly descriptor: DenylistDescriptor) {
    this.words = new Int32Array(descriptor.memory, 0, descriptor.memory.byteLength / 4)
    if (this.words[header.magic] !== magic) throw new RangeError('this is not a denylist of this version')
    this.fingerprints = new Fingerprinter(descriptor.key)
    this.own = header.readers + descriptor.reader * readerStride
  }

  static attach(descriptor: DenylistDescriptor): DenylistReader {
    return new DenylistReader(descriptor)
  }

  /** Counts changes, modulo 2^32: equality says that nothing changed, as long as fewer than that many happened since. */
  get version(): number {
    return Atomics.load(this.words, header.version) >>> 0
  }

  get size(): number {
    return Atomics.load(this.words, header.entries)
  }

  /** Hashes what a token asks; once for each verified token, since it costs more than all verdicts on it. */
  prepare(facts: TokenFacts): PreparedFacts {
    return prepareFacts(facts, this.fingerprints)
  }

  verdictOn(facts: TokenFacts, now: Instant): Verdict {
    return this.verdictOnPrepared(this.prepare(facts), now)
  }

  /** One load while nothing has changed since this token was last judged here. */
  verdictOnPrepared(prepared: PreparedFacts, now: Instant): Verdict {
    // Read before probing: a change that probing misses raises it later, and the token is judged again (R1).
    const version = Atomics.load(this.words, header.version)
    if (prepared.judgedAt === version && prepared.judgedBy === this) return prepared.verdict
    return this.judge(prepared, version, now)
  }

  private judge(prepared: PreparedFacts, version: number, now: Instant): Verdict {
    this.looks = (this.looks + 1) | 0
    Atomics.store(this.words, this.own, this.looks)
    const root = this.presentRoot()
    const verdict = this.isDead(root, prepared) ? 'revoked' : 'allowed'
    const held = verdict === 'revoked' ? undefined : this.holdOn(root, prepared, now)
    this.looks = (this.looks + 1) | 0
    Atomics.store(this.words, this.own, this.looks)
    prepared.verdict = verdict
    prepared.judgedAt = version
    // A hold may end, and begin again for a clock that steps back, without any change here: such a verdict is not remembered.
    prepared.judgedBy = held === undefined ? this : undefined
    return held === true ? 'revoked' : verdict
  }

  private presentRoot(): number {
    const root = Atomics.load(this.words, header.root)
    this.cover(root + rootWords)
    this.cover(this.words[root + rootLimit]!)
    return root
  }

  /** The writer may have grown the memory since: what it points to lies within it, though not always within our view. */
  private cover(words: number): void {
    const { memory } = this.descriptor
    if (words > this.words.length) this.words = new Int32Array(memory, 0, memory.byteLength / 4)
  }

  /**
   * The loop that every decision runs. Misses are nearly all there is, and they are memory latency, so a probe that misses makes no call and
   * takes no branch that is not foreseen: the processor is then well into the next probes while it waits for the tags of this one.
   */
  private isDead(root: number, prepared: PreparedFacts): boolean {
    const { words } = this
    const { probes } = prepared
    for (let i = 0; i < probes.length; i += 4) {
      const table = probes[i]!
      const directory = words[root + 2 * table]!
      if (directory === 0) continue
      const a = probes[i + 1]!, b = probes[i + 2]!, c = probes[i + 3]!
      const cell = words[directory + prefixOf(a, words[root + 2 * table + 1]!)]!
      const page = words[cell + 1 + pageIn(b, words[cell]! & 0xff)]!
      const buckets = table < wideFrom ? absoluteBuckets : wideBuckets
      const first = firstBucket(c, buckets)
      const second = secondBucket(c, buckets, first)
      const pattern = tagOf(b) * 0x01010101
      const tags0 = words[page + first * 2]!, tags1 = words[page + first * 2 + 1]!
      const tags2 = words[page + second * 2]!, tags3 = words[page + second * 2 + 1]!
      const matches = zeroBytes(tags0 ^ pattern) | zeroBytes(tags1 ^ pattern) | zeroBytes(tags2 ^ pattern) | zeroBytes(tags3 ^ pattern)
      const free = zeroBytes(tags0) | zeroBytes(tags1) | zeroBytes(tags2) | zeroBytes(tags3)
      if (matches === 0 && free !== 0) continue
      if (this.isDeadIn(page, table < wideFrom ? 4 : 6, a, b, c, prepared)) return true
    }
    return false
  }

  private isDeadIn(page: number, slotWords: number, a: number, b: number, c: number, { beganAt, lineage }: PreparedFacts): boolean {
    let slot = nextInPage(this.words, page, slotWords, a, b, c, 0)
    if (slotWords === 4) return slot !== 0
    const began = codeOf(beganAt)
    for (; slot !== 0; slot = nextInPage(this.words, page, slotWords, a, b, c, slot)) {
      if (began <= codeFrom(this.words[slot + 3]!, this.words[slot + 4]!) && this.isDeadBy(slot, began, lineage)) return true
    }
    return false
  }

  /** Before it refuses by a cutoff it looks once more, in the order that cannot miss what was spared (R5). */
  private isDeadBy(slot: number, began: number, lineage: readonly number[]): boolean {
    const low = Atomics.load(this.words, slot + 3)
    const high = Atomics.load(this.words, slot + 4)
    if (began > codeFrom(low, high)) return false
    if ((high & hasExceptions) === 0) return true
    // The exceptions may have moved since this decision began, and those that belong to the cutoff just read are wanted.
    const root = this.presentRoot()
    const { words } = this
    const page = this.pageFor(root, headsTable, words[slot]!, words[slot + 1]!)
    const head = page === 0 ? 0 : nextInPage(words, page, slotWordsOf(headsTable), words[slot]!, words[slot + 1]!, words[slot + 2]!, 0)
    return head === 0 || !this.isSpared(head, began, lineage)
  }

  private isSpared(head: number, began: number, lineage: readonly number[]): boolean {
    for (let link = Atomics.load(this.words, head + 3); link !== 0; link = this.words[link]!) {
      this.cover(link + 8)
      const { words } = this
      for (let i = 0; i < lineage.length; i += 3) {
        const isNamed = words[link + 1] === lineage[i] && words[link + 2] === lineage[i + 1] && words[link + 3] === lineage[i + 2]
        if (isNamed && began > codeFrom(words[link + 4]!, words[link + 5]!)) return true
      }
    }
    return false
  }

  /** Whether an agent is held now; undefined where no agent of this token has a flag. */
  private holdOn(root: number, { probes }: PreparedFacts, now: Instant): boolean | undefined {
    if (this.words[root + 2 * flagsTable] === 0) return undefined
    let held: boolean | undefined
    for (let i = 0; i < probes.length; i += 4) {
      if (probes[i] !== tableOf.agent) continue
      const until = this.heldUntil(root, probes[i + 1]!, probes[i + 2]!, probes[i + 3]!)
      if (until !== undefined) held = held === true || codeOf(now) < until
    }
    return held
  }

  /** The end of the hold as the newest version of the flag has it: 0 once it was released. */
  private heldUntil(root: number, a: number, b: number, c: number): number | undefined {
    const page = this.pageFor(root, flagsTable, a, b)
    const slotWords = slotWordsOf(flagsTable)
    let newest = -1
    let until: number | undefined
    for (let slot = page === 0 ? 0 : nextInPage(this.words, page, slotWords, a, b, c, 0); slot !== 0; slot = nextInPage(this.words, page, slotWords, a, b, c, slot)) {
      const versionHigh = Atomics.load(this.words, slot + 7)
      const version = (versionHigh >>> 0) * 2 ** 32 + (Atomics.load(this.words, slot + 6) >>> 0)
      if (version <= newest) continue
      newest = version
      until = codeFrom(Atomics.load(this.words, slot + 3), Atomics.load(this.words, slot + 4))
    }
    return until
  }

  private pageFor(root: number, table: number, a: number, b: number): number {
    const { words } = this
    const directory = words[root + 2 * table]!
    if (directory === 0) return 0
    const cell = words[directory + prefixOf(a, words[root + 2 * table + 1]!)]!
    return words[cell + 1 + pageIn(b, words[cell]! & 0xff)]!
  }
}
