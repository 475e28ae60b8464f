import { assert } from '@curfew/kernel'
import { cellWords, forgetAt, maxDepth, maxPagesOfGroup, pageIn, pageShift, pageWords, prefixOf, slotsOfPage, superseded, tagOf } from './layout.js'
import type { Freed, Memory } from './memory.js'
import { eachSlotOf, freeSlotIn, setTag } from './page.js'

/** A group is filled to this when it is copied, and copied again when two buckets and the spill of a page are full: at about 0.85. */
const filledTo = 0.78

/** The records of the group that is being copied: there is one writer in a thread, and it copies one at a time. */
const scratch = new Int32Array(maxPagesOfGroup * pageWords)

interface Group {
  readonly cell: number
  readonly depth: number
  readonly prefix: number
}

/**
 * The shape of one table: its directory, its groups and their pages. A change of shape copies one group of at most seven pages and publishes the
 * result whole (R2), so that none takes longer than that. A failure for want of memory leaves the table as it was.
 */
export class Groups {
  private readonly slots: number
  /** Records in the scratch. */
  private collected = 0

  constructor(private readonly memory: Memory, private readonly index: number, private readonly slotWords: number) {
    this.slots = slotsOfPage(slotWords)
  }

  /** The page in which this fingerprint is or would be, or 0 while the table has none. */
  pageFor(a: number, b: number): number {
    const cell = this.cellFor(a)
    return cell === 0 ? 0 : this.memory.words[cell + 1 + pageIn(b, this.pagesOf(cell))]!
  }

  /** The group of this fingerprint, or 0. */
  cellFor(a: number): number {
    const { at, depth } = this.memory.directoryOf(this.index)
    return at === 0 ? 0 : this.memory.words[at + prefixOf(a, depth)]!
  }

  pagesOf(cell: number): number {
    return this.memory.words[cell]! & 0xff
  }

  page(cell: number, i: number): number {
    return this.memory.words[cell + 1 + i]!
  }

  /** Where the next group begins, as a count of the 2^32 first words of fingerprints; groups change, their borders only get finer or stay. */
  after(cell: number, a: number): number {
    const share = 2 ** (32 - this.depthOf(cell))
    return (Math.floor((a >>> 0) / share) + 1) * share
  }

  private depthOf(cell: number): number {
    return this.memory.words[cell]! >> 8
  }

  /** Visits what is alive and not superseded. */
  eachIn(cell: number, visit: (slot: number) => void): void {
    const { words } = this.memory
    const once = this.slotWords === 4
    for (let i = 0; i < this.pagesOf(cell); i += 1) {
      eachSlotOf(words, this.page(cell, i), this.slotWords, (slot) => {
        if (once || (words[slot + 4]! & superseded) === 0) visit(slot)
      })
    }
  }

  /** An empty table that expects many starts with room for them, and so copies next to nothing while it is filled. */
  reserve(entries: number): void {
    if (this.memory.directoryOf(this.index).at !== 0) return
    const pagesAt = (depth: number) => Math.max(1, Math.ceil(entries / 2 ** depth / (this.slots * filledTo)))
    let depth = 0
    while (pagesAt(depth) > maxPagesOfGroup) depth += 1
    const pages = pagesAt(depth)
    this.memory.ensure(pages * 2 ** depth + 1, 2 ** depth + 1, runOf(depth))
    const directory = this.takeDirectory(depth)
    for (let prefix = 0; prefix < 2 ** depth; prefix += 1) {
      const cell = this.takeGroup(pages, depth)
      this.memory.words[directory + prefix] = cell
    }
    this.memory.publishDirectory(this.index, directory, depth)
  }

  /** Gives everything back: the table has no entries and costs its readers nothing. */
  drop(): void {
    const { at, depth } = this.memory.directoryOf(this.index)
    // Without memory for a new root the table stays, empty, and its readers look in vain.
    if (at === 0 || !this.memory.canTake(0, 0)) return
    for (let a = 0; a < 2 ** 32;) {
      const cell = this.cellFor(a)
      a = this.after(cell, a)
      this.giveBack(cell, (what) => this.memory.retire(what))
    }
    this.memory.retire(asFreed(at, depth))
    this.memory.publishDirectory(this.index, 0, 0)
  }

  /** Copies the group of this fingerprint, without what is dead: into more pages if it is full of live entries or `mustGrow`, else into as few as serve. */
  copy(a: number, mustGrow: boolean): void {
    const { at, depth } = this.memory.directoryOf(this.index)
    if (at === 0) return this.reserve(0)
    const old = this.cellFor(a)
    this.collect(old)
    const isFull = mustGrow || this.collected > this.pagesOf(old) * this.slots * 0.7
    this.memory.ensure(...this.needs(depth, isFull))
    const groups = this.build(this.depthOf(old), prefixOf(a, this.depthOf(old)), this.collected, isFull ? this.pagesOf(old) + 1 : 1)
    const deepest = Math.max(depth, ...groups.map((group) => group.depth))
    const next = this.takeDirectory(deepest)
    const { words } = this.memory
    if (deepest === depth) words.copyWithin(next, at, at + 2 ** depth)
    else for (let i = 0; i < 2 ** deepest; i += 1) words[next + i] = words[at + (i >>> (deepest - depth))]!
    for (const group of groups) {
      const share = 2 ** (deepest - group.depth)
      words.fill(group.cell, next + group.prefix * share, next + (group.prefix + 1) * share)
    }
    this.giveBack(old, (what) => this.memory.retire(what))
    this.memory.retire(asFreed(at, depth))
    this.memory.publishDirectory(this.index, next, deepest)
  }

  get canCopy(): boolean {
    return this.memory.canTake(...this.needs(this.memory.directoryOf(this.index).depth, false))
  }

  /**
   * Seven pages for each half of a group that splits, as many for an attempt that fails, and a directory twice as deep. Growing leaves as much over
   * again, so that memory that is full of what was forgotten can still be copied together.
   */
  private needs(depth: number, isGrowing: boolean): [pages: number, cells: number, run: number] {
    return [(isGrowing ? 2 : 1) * 4 * maxPagesOfGroup, 16, runOf(depth + 2)]
  }

  private collect(cell: number): void {
    const { words } = this.memory
    const { slotWords } = this
    let end = 0
    this.eachIn(cell, (slot) => {
      for (let i = 0; i < slotWords; i += 1) scratch[end + i] = words[slot + i]!
      end += slotWords
    })
    this.collected = end / slotWords
  }

  private build(depth: number, prefix: number, count: number, atLeast: number): Group[] {
    assert(depth <= maxDepth, 'the fingerprints of one group are all alike')
    for (let pages = Math.max(atLeast, Math.ceil(count / (this.slots * filledTo))); pages <= maxPagesOfGroup; pages += 1) {
      const cell = this.takeGroup(pages, depth)
      if (this.fill(cell, depth, prefix)) return [{ cell, depth, prefix }]
      this.giveBack(cell, (what) => this.memory.free(what))
    }
    const halves = [prefix * 2, prefix * 2 + 1]
    return halves.flatMap((half) => this.build(depth + 1, half, this.countOf(depth + 1, half), 1))
  }

  private countOf(depth: number, prefix: number): number {
    let count = 0
    for (let from = 0; from < this.collected * this.slotWords; from += this.slotWords) if (prefixOf(scratch[from]!, depth) === prefix) count += 1
    return count
  }

  /** Nobody was shown these pages yet, so the order of writes is free. */
  private fill(cell: number, depth: number, prefix: number): boolean {
    const { words, earliest } = this.memory
    const { slotWords } = this
    const pages = this.pagesOf(cell)
    for (let from = 0; from < this.collected * slotWords; from += slotWords) {
      if (prefixOf(scratch[from]!, depth) !== prefix) continue
      const b = scratch[from + 1]!
      const page = words[cell + 1 + pageIn(b, pages)]!
      const slot = freeSlotIn(words, page, slotWords, scratch[from + 2]!)
      if (slot === 0) return false
      for (let i = 0; i < slotWords; i += 1) words[slot + i] = scratch[from + i]!
      setTag(words, slot, slotWords, tagOf(b))
      const until = scratch[from + forgetAt(slotWords)]! >>> 0
      if (until < earliest[page >>> pageShift]!) earliest[page >>> pageShift] = until
    }
    return true
  }

  private takeDirectory(depth: number): number {
    return 2 ** depth <= cellWords ? this.memory.takeCell() : this.memory.takePages(Math.ceil(2 ** depth / pageWords))
  }

  private takeGroup(pages: number, depth: number): number {
    const cell = this.memory.takeCell()
    for (let i = 0; i < pages; i += 1) {
      const page = this.memory.takePages(1)
      this.memory.words[cell + 1 + i] = page
      this.memory.earliest[page >>> pageShift] = 0xffffffff
    }
    this.memory.words[cell] = pages | (depth << 8)
    return cell
  }

  private giveBack(cell: number, give: (what: Freed) => void): void {
    for (let i = 0; i < this.pagesOf(cell); i += 1) give({ kind: 'page', at: this.page(cell, i), pages: 1 })
    give({ kind: 'cell', at: cell })
  }
}

/** Pages in one run that a directory of this depth takes, where one is not enough. */
const runOf = (depth: number): number => (2 ** depth > pageWords ? 2 ** depth / pageWords : 0)
const asFreed = (at: number, depth: number): Freed =>
  (2 ** depth <= cellWords ? { kind: 'cell', at } : { kind: 'page', at, pages: Math.ceil(2 ** depth / pageWords) })
