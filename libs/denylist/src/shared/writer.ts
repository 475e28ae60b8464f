import { alwaysCode, codeFrom, entryTables, flagsTable, forgetAt, hasExceptions, highOf, keptForever, lowOf, wideFrom } from './layout.js'
import { Exceptions, type Exception } from './exceptions.js'
import { Memory } from './memory.js'
import { Table } from './table.js'

const record4 = new Int32Array(4)
const record6 = new Int32Array(6)
const record8 = new Int32Array(8)

/** What a slot means, apart from its place: `code` is a cutoff, or the end of a hold. `version` is of flags alone. */
export interface EntryRecord {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly code: number
  readonly forget: number
  readonly exceptions: readonly Exception[]
  readonly version: number
}

/** One quarantine flag as 48-bit codes: `until` is 0 for a release, and all ones for a hold without an end. */
export interface FlagRecord {
  readonly until: number
  readonly version: number
  readonly forget: number
}

/**
 * Merges entries and flags by fingerprint, pointwise by max (I1), in the order of writes that readers rely on. Each answers whether any answer may
 * have changed. Everything is idempotent, so that what failed for want of memory may be applied again.
 */
export class Writer {
  readonly memory: Memory
  private readonly tables: readonly Table[]
  private readonly flags: Table
  private readonly exceptions: Exceptions

  constructor(maxBytes: number) {
    this.memory = new Memory(maxBytes)
    this.tables = Array.from({ length: entryTables }, (_, index) => new Table(this.memory, index))
    this.flags = new Table(this.memory, flagsTable)
    this.exceptions = new Exceptions(this.memory)
  }

  table(index: number): Table {
    return index === flagsTable ? this.flags : this.tables[index]!
  }

  get entries(): number {
    let sum = 0
    for (const table of this.tables) sum += table.live
    return sum
  }

  mergeAbsolute(index: number, a: number, b: number, c: number, forget: number): boolean {
    const table = this.tables[index]!
    const slot = table.find(a, b, c)
    if (slot !== 0) {
      this.keepLonger(slot + forgetAt(4), forget)
      return false
    }
    record4[0] = a
    record4[1] = b
    record4[2] = c
    record4[3] = forget
    table.add(record4)
    return true
  }

  private keepLonger(at: number, forget: number): void {
    // Only the writer reads it; that a page may be swept for nothing is all that an older lower bound does.
    const { words } = this.memory
    if (forget > words[at]! >>> 0) words[at] = forget
  }

  mergeWide(index: number, a: number, b: number, c: number, code: number, added: readonly Exception[], forget: number): boolean {
    const table = this.tables[index]!
    const slot = table.find(a, b, c)
    if (slot === 0) return this.addWide(table, a, b, c, code, added, forget)
    const { words } = this.memory
    this.keepLonger(slot + forgetAt(6), forget)
    const own = codeFrom(words[slot + 3]!, words[slot + 4]!)
    const spares = (words[slot + 4]! & hasExceptions) !== 0
    const known = spares ? this.exceptions.of(a, b, c) : []
    const merged = mergeExceptions(own, known, code, added)
    const highest = Math.max(own, code)
    const isSame = highest === own && sameExceptions(known, merged)
    if (isSame) return false
    this.raise(table, [a, b, c], slot, highest, merged)
    return true
  }

  private addWide(table: Table, a: number, b: number, c: number, code: number, added: readonly Exception[], forget: number): boolean {
    const exceptions = added.filter((one) => one.code < code)
    if (exceptions.length > 0) this.exceptions.set(a, b, c, exceptions)
    table.add(wideRecord(a, b, c, code, exceptions.length > 0, forget))
    return true
  }

  /** Exceptions, then the flag, then the cutoff (R5); where there are none any more, the other way about. */
  private raise(table: Table, [a, b, c]: readonly [number, number, number], slot: number, code: number, exceptions: readonly Exception[]): void {
    if (exceptions.length > 0) this.exceptions.set(a, b, c, exceptions)
    const { words } = this.memory
    if (exceptions.length > 0) Atomics.or(words, slot + 4, hasExceptions)
    const wasSpared = (words[slot + 4]! & hasExceptions) !== 0
    if (highOf(code) === (words[slot + 4]! & 0xffff)) Atomics.store(words, slot + 3, lowOf(code))
    else table.replace(wideRecord(a, b, c, code, exceptions.length > 0, words[slot + 5]!))
    if (exceptions.length > 0 || !wasSpared) return
    const now = table.find(a, b, c)
    Atomics.and(this.memory.words, now + 4, ~hasExceptions)
    this.exceptions.clear(a, b, c)
  }

  mergeFlag(a: number, b: number, c: number, { until, version, forget }: FlagRecord): boolean {
    const slot = this.flags.find(a, b, c)
    if (slot !== 0 && this.flagAt(slot).version >= version) return false
    record8.set([a, b, c, lowOf(until), highOf(until), forget, version | 0, Math.floor(version / 2 ** 32)])
    if (slot === 0) this.flags.add(record8)
    else this.flags.replace(record8)
    return true
  }

  private flagAt(slot: number): FlagRecord {
    const { words } = this.memory
    return {
      until: codeFrom(words[slot + 3]!, words[slot + 4]!), forget: words[slot + 5]! >>> 0,
      version: (words[slot + 7]! >>> 0) * 2 ** 32 + (words[slot + 6]! >>> 0),
    }
  }

  private exceptionsAt(slot: number): Exception[] {
    const { words } = this.memory
    return (words[slot + 4]! & hasExceptions) === 0 ? [] : this.exceptions.of(words[slot]!, words[slot + 1]!, words[slot + 2]!)
  }

  /** Everything in one group of a table, and where the next begins: 2^32 after the last. Entries that stay are read once, whatever changes between two calls. */
  readGroup(index: number, from: number): { next: number; records: EntryRecord[] } {
    const records: EntryRecord[] = []
    const table = this.table(index)
    const { words } = this.memory
    const next = table.visitGroup(from, (slot) => {
      const flag = index === flagsTable ? this.flagAt(slot) : undefined
      records.push({
        a: words[slot]!, b: words[slot + 1]!, c: words[slot + 2]!, forget: words[slot + forgetAt(table.slotWords)]! >>> 0,
        code: flag !== undefined ? flag.until : index < wideFrom ? alwaysCode : codeFrom(words[slot + 3]!, words[slot + 4]!),
        exceptions: index < wideFrom || flag !== undefined ? [] : this.exceptionsAt(slot), version: flag?.version ?? 0,
      })
    })
    return { next, records }
  }

  mergeRecord(index: number, { a, b, c, code, forget, exceptions, version }: EntryRecord): boolean {
    if (index === flagsTable) return this.mergeFlag(a, b, c, { until: code, version, forget })
    return index < wideFrom ? this.mergeAbsolute(index, a, b, c, forget) : this.mergeWide(index, a, b, c, code, exceptions, forget)
  }

  /** Removes what may be forgotten (seconds below `passed`) from one group of a table. A flag that still holds at `now` (a code) stays. */
  sweep(index: number, from: number, passed: number, now: number): { next: number; pages: number; removed: number } {
    const table = this.table(index)
    const { words } = this.memory
    const at = forgetAt(table.slotWords)
    const isPast = (slot: number) => words[slot + at]! >>> 0 < passed && words[slot + at]! >>> 0 !== keptForever
    const isGone = index === flagsTable ? (slot: number) => isPast(slot) && now >= this.flagAt(slot).until : isPast
    let removed = 0
    const swept = table.sweepGroup(from, passed, isGone, (slot) => {
      removed += 1
      const [a, b, c] = [words[slot]!, words[slot + 1]!, words[slot + 2]!]
      const hadExceptions = index >= wideFrom && index !== flagsTable && (words[slot + 4]! & hasExceptions) !== 0
      table.remove(slot)
      // After the entry, so that no reader refuses by an entry whose exceptions are gone.
      if (hadExceptions) this.exceptions.clear(a, b, c)
    })
    return { ...swept, removed }
  }
}

function wideRecord(a: number, b: number, c: number, code: number, spares: boolean, forget: number): Int32Array {
  record6[0] = a
  record6[1] = b
  record6[2] = c
  record6[3] = lowOf(code)
  record6[4] = highOf(code) | (spares ? hasExceptions : 0)
  record6[5] = forget
  return record6
}

const nameOf = ({ a, b, c }: Exception): string => `${a},${b},${c}`

/** As `mergeEntries` does, on codes: an exception equal to the default says nothing and is left out. */
function mergeExceptions(code1: number, one: readonly Exception[], code2: number, two: readonly Exception[]): Exception[] {
  if (one.length === 0 && two.length === 0) return []
  const first = new Map(one.map((exception) => [nameOf(exception), exception]))
  const second = new Map(two.map((exception) => [nameOf(exception), exception]))
  const merged: Exception[] = []
  for (const [name, exception] of new Map([...first, ...second])) {
    const code = Math.max(first.get(name)?.code ?? code1, second.get(name)?.code ?? code2)
    if (code < Math.max(code1, code2)) merged.push({ ...exception, code })
  }
  return merged
}

function sameExceptions(one: readonly Exception[], two: readonly Exception[]): boolean {
  const known = new Map(one.map((exception) => [nameOf(exception), exception.code]))
  return one.length === two.length && two.every((exception) => known.get(nameOf(exception)) === exception.code)
}
