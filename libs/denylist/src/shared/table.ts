import { deadTag, forgetAt, pageShift, slotsOfPage, slotWordsOf, superseded, tagOf } from './layout.js'
import { Groups } from './groups.js'
import type { Memory } from './memory.js'
import { eachSlotOf, freeSlotIn, nextInPage, setTag } from './page.js'

/** A group that forgetting left emptier than this is copied into fewer pages. */
const shrinksBelow = 0.4

/** One table as its writer sees it: finds, adds, kills and sweeps slots. What a slot means is its caller's business. */
export class Table {
  readonly slotWords: number
  private readonly groups: Groups
  /** Distinct entries; a slot that a newer one superseded is not counted. */
  live = 0

  constructor(private readonly memory: Memory, readonly index: number) {
    this.slotWords = slotWordsOf(index)
    this.groups = new Groups(memory, index, this.slotWords)
  }

  /** The slot that holds this fingerprint now, or 0. */
  find(a: number, b: number, c: number): number {
    const { words } = this.memory
    const page = this.groups.pageFor(a, b)
    if (page === 0) return 0
    let slot = nextInPage(words, page, this.slotWords, a, b, c, 0)
    while (slot !== 0 && this.slotWords !== 4 && (words[slot + 4]! & superseded) !== 0) slot = nextInPage(words, page, this.slotWords, a, b, c, slot)
    return slot
  }

  /** A record that no slot holds yet gets one. */
  add(record: Int32Array): void {
    this.place(record)
    this.live += 1
  }

  /** Gives a found entry a slot of its own for its new record; readers see the old one too until the group is copied (R4). */
  replace(record: Int32Array): void {
    this.place(record)
    const { words } = this.memory
    // Found again: making room may have copied the group and left the old slot behind.
    for (const slot of this.allOf(record[0]!, record[1]!, record[2]!)) {
      const isNew = record.every((word, i) => i >= this.slotWords || words[slot + i] === word)
      if (!isNew) Atomics.or(words, slot + 4, superseded)
    }
  }

  private place(record: Int32Array): void {
    for (let copies = 0; ; copies += 1) {
      const page = this.groups.pageFor(record[0]!, record[1]!)
      const slot = page === 0 ? 0 : freeSlotIn(this.memory.words, page, this.slotWords, record[2]!)
      if (slot !== 0) return this.write(page, slot, record)
      // If leaving out the dead was not enough, the same number of pages would not be either.
      this.groups.copy(record[0]!, copies > 0)
    }
  }

  private write(page: number, slot: number, record: Int32Array): void {
    const { words, earliest } = this.memory
    const { slotWords } = this
    for (let i = 0; i < 4; i += 1) if (i < 3 || slotWords === 4) words[slot + i] = record[i]!
    if (slotWords > 4) {
      words[slot + 5] = record[5]!
      // R5: what a reader must not miss is stored before what it looks at first.
      for (const i of slotWords === 6 ? wideOrder : flagOrder) Atomics.store(words, slot + i, record[i]!)
    }
    setTag(words, slot, slotWords, tagOf(record[1]!))
    const until = record[forgetAt(slotWords)]! >>> 0
    if (until < earliest[page >>> pageShift]!) earliest[page >>> pageShift] = until
  }

  private allOf(a: number, b: number, c: number): number[] {
    const page = this.groups.pageFor(a, b)
    const found: number[] = []
    for (let slot = page === 0 ? 0 : nextInPage(this.memory.words, page, this.slotWords, a, b, c, 0); slot !== 0;) {
      found.push(slot)
      slot = nextInPage(this.memory.words, page, this.slotWords, a, b, c, slot)
    }
    return found
  }

  /** Nobody finds the entry of this slot any more; what it used stays used until its group is copied. */
  remove(slot: number): void {
    const { words } = this.memory
    if (this.slotWords === 4) setTag(words, slot, 4, deadTag)
    // Only an entry whose record can change may have slots that were superseded.
    else for (const one of this.allOf(words[slot]!, words[slot + 1]!, words[slot + 2]!)) setTag(words, one, this.slotWords, deadTag)
    this.live -= 1
    if (this.live === 0) this.groups.drop()
  }

  reserve(entries: number): void {
    if (entries > slotsOfPage(this.slotWords)) this.groups.reserve(entries)
  }

  /** Visits every entry of the group at `from`, and says where the next begins: 2^32 after the last. Entries that stay are met once, whatever is added or copied between two calls. */
  visitGroup(from: number, visit: (slot: number) => void): number {
    const cell = this.groups.cellFor(from | 0)
    if (cell === 0) return 2 ** 32
    this.groups.eachIn(cell, visit)
    return this.groups.after(cell, from)
  }

  /**
   * Shows `remove` what `isGone` says may go of the group at `from`, if any of its pages may hold something to forget before `passed` (in
   * seconds), and says where the next group begins and how many pages it read. A group that became sparse is copied into fewer pages.
   */
  sweepGroup(from: number, passed: number, isGone: (slot: number) => boolean, remove: (slot: number) => void): { next: number; pages: number } {
    const cell = this.groups.cellFor(from | 0)
    if (cell === 0) return { next: 2 ** 32, pages: 0 }
    const next = this.groups.after(cell, from)
    const gone: number[] = []
    let pages = 0
    let alive = 0
    for (let i = 0; i < this.groups.pagesOf(cell); i += 1) {
      const page = this.groups.page(cell, i)
      if (this.memory.earliest[page >>> pageShift]! >= passed) continue
      pages += 1
      alive += this.sweepPage(page, isGone, gone)
    }
    gone.forEach(remove)
    // Judged by swept pages alone: those left out have nothing to forget yet and are as full as before.
    const isSparse = pages > 1 && alive < shrinksBelow * pages * slotsOfPage(this.slotWords)
    if (isSparse && gone.length > 0 && this.live > 0 && this.groups.canCopy) this.groups.copy(from | 0, false)
    return { next, pages }
  }

  private sweepPage(page: number, isGone: (slot: number) => boolean, gone: number[]): number {
    const { words, earliest } = this.memory
    let first = 0xffffffff
    let alive = 0
    eachSlotOf(words, page, this.slotWords, (slot) => {
      if (this.slotWords > 4 && (words[slot + 4]! & superseded) !== 0) return
      if (isGone(slot)) gone.push(slot)
      else {
        first = Math.min(first, words[slot + forgetAt(this.slotWords)]! >>> 0)
        alive += 1
      }
    })
    earliest[page >>> pageShift] = first
    return alive
  }
}

const wideOrder = [4, 3] as const
const flagOrder = [3, 4, 6, 7] as const
