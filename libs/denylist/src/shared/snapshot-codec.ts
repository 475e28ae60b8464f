import { Fingerprinter, keyWords } from '../fingerprint.js'
import { sipHash128 } from '../sip-hash.js'
import { entryTables, flagsTable, headsTable, tables, wideFrom } from './layout.js'
import type { Exception } from './exceptions.js'
import type { EntryRecord, Writer } from './writer.js'

/*
 * A snapshot is a chain of chunks; all numbers are little-endian.
 *
 *   chunk    length u32 of what follows up to the tag | kind u8 | body | tag, 16 bytes
 *   tag      SipHash-2-4-128 of (tag of the chunk before, or zeros | length | kind | body), under a key derived from the deployment's
 *   header   kind 0, first:  magic "CFDS" | version u8 | key id, 32 hex digits | JSON { topicId, offsets: [decimal text], counts: [entries of each table] }
 *   records  kind 1:         table u8 | records:
 *              absolute    a b c forget                                            4 words
 *              wide        a b c cutoff low, high | forget | n, then n x (a b c low, high)   7 + 5n words
 *              flag        a b c until low, high | forget | version low, high      8 words
 *   end      kind 2, last:   records in all u32 | chunks before this one u32
 *
 * The chain makes a chunk that was changed, moved, left out or taken from another snapshot fail its tag, and the end chunk makes a truncation
 * at a border of chunks one that is noticed. A tag that fits by chance has probability 2^-128.
 */

/** Where the feed stood when the snapshot began: tail from here. Offsets are by partition. */
export interface SnapshotPositions {
  readonly topicId: string
  readonly offsets: readonly bigint[]
}

/** Not ours, not whole or not as it was written: ask for another one. What was taken in before is true nevertheless. */
export class SnapshotRefused extends Error {
  override name = 'SnapshotRefused'
}

export const snapshotVersion = 1
const snapshotMagic = 'CFDS'
const chunk = { header: 0, records: 1, end: 2 } as const
const tagBytes = 16
/** A record chunk is closed past this size, so that verifying and merging one takes under two milliseconds. */
const chunkBytes = 48 * 1024
/** Only a record with a list of exceptions beyond all reason makes a longer one; refused before anything of that size is awaited. */
const longestChunk = 2 ** 26

const wordsOf = (table: number, record: EntryRecord): number => (table === flagsTable ? 8 : table < wideFrom ? 4 : 7 + 5 * record.exceptions.length)

class Tagger {
  private readonly key: Int32Array
  private readonly last = new Int32Array(4)

  constructor(fingerprints: Fingerprinter) {
    const derived = new Int32Array(4)
    sipHash128(keyWords(fingerprints.secret), new TextEncoder().encode('curfew denylist snapshot'), 24, derived, 0)
    this.key = derived
  }

  /** The tag of a chunk that has room for the last tag before it and for its own behind it. */
  next(room: Uint8Array, end: number): Int32Array {
    const view = new DataView(room.buffer, room.byteOffset, room.byteLength)
    this.last.forEach((word, i) => view.setInt32(i * 4, word, true))
    sipHash128(this.key, room, end, this.last, 0)
    return this.last
  }
}

/** Writes the entries group by group; what is applied between two chunks may or may not be in it, what was there before is. */
export function* encodeSnapshot(writer: Writer, fingerprints: Fingerprinter, positions: SnapshotPositions): Generator<Uint8Array, void, void> {
  const tagger = new Tagger(fingerprints)
  const counts = Array.from({ length: tables }, (_, table) => (table === headsTable ? 0 : writer.table(table).live))
  const about = JSON.stringify({ topicId: positions.topicId, offsets: positions.offsets.map(String), counts })
  yield seal(tagger, chunk.header, new TextEncoder().encode(`${snapshotMagic}${String.fromCharCode(snapshotVersion)}${fingerprints.keyId}${about}`))
  let records = 0
  let chunks = 1
  for (let table = 0; table < tables; table += 1) {
    for (let from = 0; table !== headsTable && from < 2 ** 32;) {
      const group = writer.readGroup(table, from)
      from = group.next
      for (const part of partsOf(table, group.records)) {
        records += part.length
        chunks += 1
        yield seal(tagger, chunk.records, encodeRecords(table, part))
      }
    }
  }
  const end = new DataView(new ArrayBuffer(8))
  end.setUint32(0, records, true)
  end.setUint32(4, chunks, true)
  yield seal(tagger, chunk.end, new Uint8Array(end.buffer))
}

function* partsOf(table: number, records: readonly EntryRecord[]): Generator<EntryRecord[]> {
  let part: EntryRecord[] = []
  let bytes = 0
  for (const record of records) {
    part.push(record)
    bytes += wordsOf(table, record) * 4
    if (bytes < chunkBytes) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}

function encodeRecords(table: number, records: readonly EntryRecord[]): Uint8Array {
  const bytes = new Uint8Array(1 + records.reduce((sum, record) => sum + wordsOf(table, record) * 4, 0))
  const view = new DataView(bytes.buffer)
  bytes[0] = table
  let at = 1
  const word = (value: number) => {
    view.setInt32(at, value, true)
    at += 4
  }
  const code = (value: number) => {
    word(value | 0)
    word(Math.floor(value / 2 ** 32))
  }
  for (const record of records) {
    for (const value of [record.a, record.b, record.c]) word(value)
    if (table >= wideFrom) code(record.code)
    word(record.forget)
    if (table === flagsTable) code(record.version)
    else if (table >= wideFrom) {
      word(record.exceptions.length)
      for (const exception of record.exceptions) {
        for (const value of [exception.a, exception.b, exception.c]) word(value)
        code(exception.code)
      }
    }
  }
  return bytes
}

function seal(tagger: Tagger, kind: number, body: Uint8Array): Uint8Array {
  const room = new Uint8Array(tagBytes + 4 + 1 + body.length + tagBytes)
  const view = new DataView(room.buffer)
  const end = tagBytes + 5 + body.length
  view.setUint32(tagBytes, body.length + 1, true)
  room[tagBytes + 4] = kind
  room.set(body, tagBytes + 5)
  tagger.next(room, end).forEach((word, i) => view.setInt32(end + i * 4, word, true))
  return room.subarray(tagBytes)
}

/** Takes a snapshot in as it arrives, cut anywhere. Only chunks that are proved are merged; only `finish` says that all were there. */
export class SnapshotLoader {
  private readonly tagger: Tagger
  private rest: Uint8Array = new Uint8Array(0)
  private positions: SnapshotPositions | undefined
  private records = 0
  private chunks = 0
  private isEnded = false

  constructor(private readonly writer: Writer, private readonly fingerprints: Fingerprinter, private readonly changed: () => void) {
    this.tagger = new Tagger(fingerprints)
  }

  /** Throws `SnapshotRefused`, after which this loader is of no more use. A few dozen KiB at a time keep the event loop free. */
  push(bytes: Uint8Array): void {
    const all = this.rest.length === 0 ? bytes : joined(this.rest, bytes)
    let at = 0
    while (all.length - at >= 4) {
      const length = new DataView(all.buffer, all.byteOffset + at, 4).getUint32(0, true)
      if (length === 0 || length > longestChunk) throw new SnapshotRefused('a chunk has an impossible length')
      if (this.isEnded) throw new SnapshotRefused('something follows the end')
      const end = at + 4 + length + tagBytes
      if (end > all.length) break
      this.open(all.subarray(at, end))
      at = end
    }
    this.rest = all.slice(at)
  }

  /** Says where to tail from, or throws `SnapshotRefused` if the end has not come. */
  finish(): SnapshotPositions {
    if (this.positions === undefined || !this.isEnded || this.rest.length > 0) throw new SnapshotRefused('the snapshot is truncated')
    return this.positions
  }

  private open(sealed: Uint8Array): void {
    const room = joined(new Uint8Array(tagBytes), sealed)
    const end = room.length - tagBytes
    const view = new DataView(room.buffer)
    const isTrue = this.tagger.next(room, end).every((word, i) => view.getInt32(end + i * 4, true) === word)
    // A snapshot under another key fails here as well; the key id inside could not be trusted to say so.
    if (!isTrue) throw new SnapshotRefused('a chunk is not as it was written, or was written under another key')
    const kind = room[tagBytes + 4]
    const body = room.subarray(tagBytes + 5, end)
    if (this.positions === undefined) this.readHeader(kind, body)
    else if (kind === chunk.records) this.readRecords(body)
    else this.readEnd(kind, body)
    this.chunks += 1
  }

  private readHeader(kind: number | undefined, body: Uint8Array): void {
    const text = new TextDecoder().decode(body)
    if (kind !== chunk.header || !text.startsWith(snapshotMagic)) throw new SnapshotRefused('this is not a snapshot of a denylist')
    if (text.charCodeAt(4) !== snapshotVersion) throw new SnapshotRefused(`snapshot version ${text.charCodeAt(4)} is not ${snapshotVersion}`)
    if (text.slice(5, 37) !== this.fingerprints.keyId) throw new SnapshotRefused('the snapshot was written under another key')
    const { topicId, offsets, counts } = JSON.parse(text.slice(37)) as { topicId: string; offsets: string[]; counts: number[] }
    for (let table = 0; table < entryTables; table += 1) this.writer.table(table).reserve(counts[table] ?? 0)
    this.positions = { topicId, offsets: offsets.map(BigInt) }
  }

  private readRecords(body: Uint8Array): void {
    const table = body[0] ?? tables
    if (table >= tables || table === headsTable) throw new SnapshotRefused(`table ${table} is unknown`)
    let isChange = false
    for (const record of decodeRecords(table, body)) {
      if (this.writer.mergeRecord(table, record)) isChange = true
      this.records += 1
    }
    if (isChange) this.changed()
  }

  private readEnd(kind: number | undefined, body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    const isWhole = kind === chunk.end && body.length === 8 && view.getUint32(0, true) === this.records && view.getUint32(4, true) === this.chunks
    if (!isWhole) throw new SnapshotRefused('the end does not agree with what came before it')
    this.isEnded = true
  }
}

function* decodeRecords(table: number, body: Uint8Array): Generator<EntryRecord> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let at = 1
  const word = () => view.getInt32((at += 4) - 4, true)
  const code = () => (word() >>> 0) + (word() & 0xffff) * 2 ** 32
  const version = () => (word() >>> 0) + (word() >>> 0) * 2 ** 32
  while (at < body.length) {
    const [a, b, c] = [word(), word(), word()]
    const own = table >= wideFrom ? code() : 0
    const forget = word() >>> 0
    if (table === flagsTable) yield { a, b, c, code: own, forget, exceptions: [], version: version() }
    else {
      const exceptions: Exception[] = []
      const count = table >= wideFrom ? word() : 0
      for (let i = 0; i < count; i += 1) exceptions.push({ a: word(), b: word(), c: word(), code: code() })
      yield { a, b, c, code: own, forget, exceptions, version: 0 }
    }
  }
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + two.length)
  both.set(one)
  both.set(two, one.length)
  return both
}
