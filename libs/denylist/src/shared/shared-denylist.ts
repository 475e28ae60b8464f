import type { Instant } from '@curfew/kernel'
import { checkRevocation, forgetMarginMs, type Denylist, type LiveRevocation, type Verdict } from '../denylist.js'
import type { TokenFacts } from '../facts.js'
import { Fingerprinter } from '../fingerprint.js'
import type { DenylistSnapshot } from '../map-denylist.js'
import type { PreparedFacts } from '../prepared.js'
import type { QuarantineFlag } from '../quarantine.js'
import type { ScopeKind } from '../scope.js'
import { selectorOf } from '../selector.js'
import { DenylistReader, type DenylistDescriptor } from './denylist-reader.js'
import type { Exception } from './exceptions.js'
import { alwaysCode, codeOf, forgetSeconds, headsTable, neverCode, tableFor, tableOf, tables, wideFrom } from './layout.js'
import { encodeSnapshot, SnapshotLoader, type SnapshotPositions } from './snapshot-codec.js'
import { Writer } from './writer.js'

export interface SharedDenylistOptions {
  /** 16 secret bytes of this deployment, the same wherever snapshots are exchanged. */
  readonly key: Uint8Array
  /** Address space to reserve; only what is used becomes resident. Beyond it `apply` throws `MemoryExhausted`. Room for about 60 million entries by default. */
  readonly maxBytes?: number
}

/** So many groups without anything to forget are passed by in one step of forgetting; one that has something is a step. */
const groupsAStep = 400

/**
 * The denylist in memory that many threads read while one, this one, writes. It answers as `MapDenylist` does, holds an entry in about 21 bytes (absolute)
 * or 30 (wide) where it is as full as it gets, and never pauses for longer than the copy of one group. It keeps fingerprints, never names.
 */
export class SharedDenylist implements Denylist {
  private readonly fingerprints: Fingerprinter
  private readonly writer: Writer
  private readonly reader: DenylistReader
  private readonly name = new Int32Array(3)
  private sweptTable = 0
  private sweptTo = 0

  constructor({ key, maxBytes = 2 ** 31 }: SharedDenylistOptions) {
    this.fingerprints = new Fingerprinter(key)
    this.writer = new Writer(maxBytes)
    // This thread's own questions: it never writes while it reads, but one reader's word costs nothing.
    this.reader = DenylistReader.attach(this.descriptor())
  }

  get version(): number {
    return this.writer.memory.version
  }

  get size(): number {
    return this.writer.entries
  }

  /** What the process holds for it, and how much of that is not merely free for use. */
  get memory(): { readonly reserved: number; readonly held: number; readonly used: number } {
    const { memory } = this.writer
    return { reserved: memory.buffer.maxByteLength, held: memory.bytes, used: memory.bytesInUse }
  }

  /** Admits one more reader; give its descriptor to one thread. At most 127. */
  descriptor(): DenylistDescriptor {
    return { memory: this.writer.memory.buffer, key: this.fingerprints.secret, reader: this.writer.memory.addReader() }
  }

  /** To be called when a reader's thread has ended, however it ended: one that died while it looked holds memory back until then. */
  release({ reader }: DenylistDescriptor): void {
    this.writer.memory.removeReader(reader)
  }

  /** Before many entries of a kind come, and while there are none, makes room for them: loading then copies next to nothing. */
  reserve(kind: ScopeKind, entries: number): void {
    this.writer.table(tableOf[kind]).reserve(entries)
  }

  apply(revocation: LiveRevocation): void {
    checkRevocation(revocation)
    const { tenant, scope, cutoff, except, forgetAfter } = revocation
    const table = tableFor(scope.kind, 'issuer' in scope ? scope.issuer : undefined)
    // Sessions are of a tenant, and a scope of every tenant is absolute and spares nobody.
    const exceptions = cutoff === null ? [] : except.map((id) => this.exceptionOf(selectorOf(tenant, { kind: 'session', id }), neverCode))
    this.mergeEntry(table, selectorOf(tenant, scope), cutoff === null ? alwaysCode : codeOf(cutoff), exceptions, forgetAfter)
  }

  private mergeEntry(table: number, selector: string, code: number, exceptions: readonly Exception[], forgetAfter: number): void {
    const { name } = this
    this.fingerprints.write(selector, name, 0)
    const forget = forgetSeconds(forgetAfter)
    this.changed(table < wideFrom
      ? this.writer.mergeAbsolute(table, name[0]!, name[1]!, name[2]!, forget)
      : this.writer.mergeWide(table, name[0]!, name[1]!, name[2]!, code, exceptions, forget))
  }

  private exceptionOf(session: string, code: number): Exception {
    this.fingerprints.write(session, this.name, 0)
    return { a: this.name[0]!, b: this.name[1]!, c: this.name[2]!, code }
  }

  private changed(isChange: boolean): void {
    if (isChange) this.writer.memory.bumpVersion(this.size)
  }

  applyQuarantine(flag: QuarantineFlag): void {
    const { name } = this
    this.fingerprints.write(selectorOf(flag.tenant, { kind: 'agent', agentId: flag.agentId }), name, 0)
    const until = !flag.quarantined ? neverCode : flag.until === null ? alwaysCode : codeOf(flag.until)
    this.changed(this.writer.mergeFlag(name[0]!, name[1]!, name[2]!, { until, version: flag.version, forget: forgetSeconds(flag.forgetAfter) }))
  }

  prepare(facts: TokenFacts): PreparedFacts {
    return this.reader.prepare(facts)
  }

  verdictOnPrepared(prepared: PreparedFacts, now: Instant): Verdict {
    return this.reader.verdictOnPrepared(prepared, now)
  }

  verdictOn(facts: TokenFacts, now: Instant): Verdict {
    return this.reader.verdictOn(facts, now)
  }

  forget(now: Instant, watermark: Instant): number {
    this.sweptTable = 0
    this.sweptTo = 0
    let dropped = 0
    for (let step = this.forgetSome(now, watermark); ; step = this.forgetSome(now, watermark)) {
      dropped += step.dropped
      if (step.isRoundDone) return dropped
    }
  }

  /** A step of forgetting, short enough for an event loop; call it again until the round is done, and begin a round every few seconds. */
  forgetSome(now: Instant, watermark: Instant): { dropped: number; isRoundDone: boolean } {
    const passed = (Math.min(now, watermark) - forgetMarginMs) / 1000
    for (let groups = 0; groups < groupsAStep; groups += 1) {
      const swept = this.writer.sweep(this.sweptTable, this.sweptTo, passed, codeOf(now))
      const isRoundDone = this.isRoundDoneAt(swept.next)
      if (swept.pages > 0 || isRoundDone) return { dropped: swept.removed, isRoundDone }
    }
    return { dropped: 0, isRoundDone: false }
  }

  private isRoundDoneAt(next: number): boolean {
    this.sweptTo = next % 2 ** 32
    if (next < 2 ** 32) return false
    this.sweptTable = (this.sweptTable + 1) % tables
    // Exceptions go with their entries.
    if (this.sweptTable === headsTable) this.sweptTable += 1
    return this.sweptTable === 0
  }

  /** Takes in everything another denylist under the same key knows. */
  merge(other: SharedDenylist): void {
    if (other.fingerprints.keyId !== this.fingerprints.keyId) throw new RangeError('two denylists under different keys cannot be merged')
    for (let table = 0; table < tables; table += 1) {
      if (table === headsTable) continue
      for (let from = 0; from < 2 ** 32;) {
        const group = other.writer.readGroup(table, from)
        from = group.next
        for (const record of group.records) this.changed(this.writer.mergeRecord(table, record))
      }
    }
  }

  /** Everything it knows, in chunks to be written one after another; `positions` were read before the first entry that it may lack. */
  encode(positions: SnapshotPositions): Generator<Uint8Array, void, void> {
    return encodeSnapshot(this.writer, this.fingerprints, positions)
  }

  /** Takes in what `encode` wrote, under the same key. */
  loader(): SnapshotLoader {
    return new SnapshotLoader(this.writer, this.fingerprints, () => this.changed(true))
  }

  /** Takes in a snapshot of names, as the control plane sends it; slice its entries to take it in by steps. */
  mergeSnapshot(snapshot: DenylistSnapshot): void {
    for (const { selector, cutoff, exceptions, forgetAfter } of snapshot.entries) {
      const [tenant, kind, issuer] = JSON.parse(selector) as [string, ScopeKind, string | undefined]
      // Null is absolute in a default and "killed by nothing" in an exception: the two never meet.
      const spared = exceptions.map(([id, own]) => this.exceptionOf(JSON.stringify([tenant, 'session', id]), own === null ? neverCode : codeOf(own)))
      this.mergeEntry(tableFor(kind, issuer), selector, cutoff === null ? alwaysCode : codeOf(cutoff), spared, forgetAfter)
    }
    for (const flag of snapshot.flags) this.applyQuarantine(flag)
  }
}
