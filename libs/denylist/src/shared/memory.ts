import { cellWords, header, magic, maxReaders, pageShift, pageWords, readerStride, rootLimit, rootWords, tables } from './layout.js'

/** The library the compiler is told of is a year older than growable shared memory; every runtime we name has it. */
export interface GrowableMemory extends SharedArrayBuffer {
  readonly maxByteLength: number
  grow(byteLength: number): void
}
type GrowableConstructor = new (byteLength: number, options: { maxByteLength: number }) => GrowableMemory

/** Thrown instead of applying: the caller must not advance past this record, so that it goes stale and refuses by its posture (I9, I10). */
export class MemoryExhausted extends RangeError {
  override name = 'MemoryExhausted'
}

/** Address space is reserved and nothing is resident until touched; each step the system commits is cheap, so it is small. */
const growStepPages = 256
const firstPages = 4
/** Directories alternate between two or three places a table; more free ones than this are of a size no longer wanted. */
const keptRuns = 8

/**
 * The writer's side of the shared buffer: hands out pages, cells and roots, and takes them back once no reader can be looking.
 * All places are word indexes. It never gives memory back to the system; what was freed is used again.
 */
export class Memory {
  readonly buffer: GrowableMemory
  words: Int32Array
  private usedPages = 1
  private readonly freePages: number[] = []
  private readonly freeCells: number[] = []
  private readonly freeRoots: number[] = []
  private readonly freeRuns: { at: number; pages: number }[] = []
  private retired: Freed[] = []
  private waiting: { items: Freed[]; busy: { at: number; seen: number }[] } | undefined
  private readonly readers = new Set<number>()
  private root: number
  /** For each page that holds slots, no entry in it may be forgotten before this second. A lower bound, so that a sweep may pass it by. */
  readonly earliest: number[] = []

  constructor(maxBytes: number) {
    const steps = growStepPages * pageWords * 4
    const most = Math.floor(maxBytes / steps) * steps
    if (!(most >= steps && most <= 2 ** 32)) throw new RangeError(`a denylist takes between ${steps} bytes and 4 GiB`)
    this.buffer = new (SharedArrayBuffer as unknown as GrowableConstructor)(firstPages * pageWords * 4, { maxByteLength: most })
    this.words = new Int32Array(this.buffer, 0, firstPages * pageWords)
    this.words[header.magic] = magic
    this.root = this.takeRoot()
    this.publish()
  }

  /** Words of memory in use or free for use: what the process may have resident. */
  get bytes(): number {
    return this.usedPages * pageWords * 4
  }

  /** Bytes that hold something readers may look at, free pages and free cells left out. */
  get bytesInUse(): number {
    const inRuns = this.freeRuns.reduce((sum, run) => sum + run.pages, 0)
    return (this.usedPages - this.freePages.length - inRuns) * pageWords * 4
  }

  /** A page of zeros, or a run of several that may hold anything (directories write all of it). */
  takePages(pages: number): number {
    if (pages === 1 && this.freePages.length > 0) {
      const at = this.freePages.pop()!
      this.words.fill(0, at, at + pageWords)
      return at
    }
    const reused = this.freeRuns.findIndex((run) => run.pages === pages)
    if (pages > 1 && reused >= 0) return this.freeRuns.splice(reused, 1)[0]!.at
    const at = this.usedPages << pageShift
    this.commit(this.usedPages + pages)
    this.usedPages += pages
    return at
  }

  private commit(pages: number): void {
    const wanted = pages * pageWords * 4
    if (wanted <= this.buffer.byteLength) return
    if (wanted > this.buffer.maxByteLength) throw new MemoryExhausted(`the denylist's ${this.buffer.maxByteLength} bytes are full`)
    this.buffer.grow(Math.min(this.buffer.maxByteLength, wanted + growStepPages * pageWords * 4))
    this.words = new Int32Array(this.buffer, 0, this.buffer.byteLength / 4)
  }

  takeCell(): number {
    return this.take(this.freeCells, cellWords)
  }

  private takeRoot(): number {
    return this.take(this.freeRoots, rootWords)
  }

  private take(free: number[], size: number): number {
    if (free.length === 0) {
      const page = this.takePages(1)
      for (let at = page + pageWords - size; at >= page; at -= size) free.push(at)
    }
    return free.pop()!
  }

  /** Fails now, before anything was changed, or lets that many be taken without failing. */
  ensure(pages: number, cells: number, run = 0): void {
    this.commit(this.usedPages + this.newPages(pages, cells) + run)
  }

  /** Whether `ensure` would succeed: for work that may as well be left undone. */
  canTake(pages: number, cells: number, run = 0): boolean {
    return (this.usedPages + this.newPages(pages, cells) + run) * pageWords * 4 <= this.buffer.maxByteLength
  }

  private newPages(pages: number, cells: number): number {
    const small = Math.ceil(Math.max(0, cells - this.freeCells.length) / (pageWords / cellWords)) + (this.freeRoots.length === 0 ? 1 : 0)
    return Math.max(0, pages + small - this.freePages.length)
  }

  /** Directory and depth of a table as last set, published or not. */
  directoryOf(table: number): { at: number; depth: number } {
    return { at: this.words[this.root + 2 * table]!, depth: this.words[this.root + 2 * table + 1]! }
  }

  /** Readers see all that was written before, and this table's new directory, from their next decision on. A place of 0 is a table without entries. */
  publishDirectory(table: number, at: number, depth: number): void {
    const next = this.takeRoot()
    this.words.copyWithin(next, this.root, this.root + rootWords)
    this.words[next + 2 * table] = at
    this.words[next + 2 * table + 1] = depth
    this.retire({ kind: 'root', at: this.root })
    this.root = next
    this.publish()
  }

  private publish(): void {
    this.words[this.root + rootLimit] = this.words.length
    Atomics.store(this.words, header.root, this.root)
    this.reclaim()
  }

  bumpVersion(entries: number): void {
    Atomics.store(this.words, header.entries, entries)
    Atomics.add(this.words, header.version, 1)
  }

  get version(): number {
    return Atomics.load(this.words, header.version) >>> 0
  }

  /** What readers can no longer reach from the root as it is now, or will not once `publishDirectory` was called for it. */
  retire(what: Freed): void {
    this.retired.push(what)
  }

  /** Takes back what was retired before every reader's present decision began (R6). Called often, costs one load for each reader that was busy. */
  reclaim(): void {
    const { waiting } = this
    if (waiting !== undefined) {
      waiting.busy = waiting.busy.filter(({ at, seen }) => Atomics.load(this.words, at) === seen)
      if (waiting.busy.length > 0) return
      for (const item of waiting.items) this.free(item)
      this.waiting = undefined
    }
    if (this.retired.length === 0) return
    const busy: { at: number; seen: number }[] = []
    for (const reader of this.readers) {
      const at = header.readers + reader * readerStride
      const seen = Atomics.load(this.words, at)
      if ((seen & 1) === 1) busy.push({ at, seen })
    }
    if (busy.length === 0) for (const item of this.retired) this.free(item)
    else this.waiting = { items: this.retired, busy }
    this.retired = []
  }

  /** For what no reader was ever shown, or none can be looking at. */
  free(item: Freed): void {
    if (item.kind !== 'page') (item.kind === 'cell' ? this.freeCells : this.freeRoots).push(item.at)
    else if (item.pages === 1) this.freePages.push(item.at)
    else {
      this.freeRuns.push({ at: item.at, pages: item.pages })
      // Directories of sizes that were outgrown become ordinary pages.
      if (this.freeRuns.length > keptRuns) {
        const { at, pages } = this.freeRuns.shift()!
        for (let page = 0; page < pages; page += 1) this.freePages.push(at + page * pageWords)
      }
    }
  }

  addReader(): number {
    for (let reader = 0; reader < maxReaders; reader += 1) {
      if (this.readers.has(reader)) continue
      Atomics.store(this.words, header.readers + reader * readerStride, 0)
      this.readers.add(reader)
      return reader
    }
    throw new RangeError(`a denylist has at most ${maxReaders} readers`)
  }

  /** A reader that has ended, however it ended, holds nothing back any more. It must not be asked again. */
  removeReader(reader: number): void {
    this.readers.delete(reader)
    if (this.waiting !== undefined) {
      const at = header.readers + reader * readerStride
      this.waiting.busy = this.waiting.busy.filter((one) => one.at !== at)
    }
    this.reclaim()
  }
}

export type Freed = { readonly kind: 'cell' | 'root'; readonly at: number } | { readonly kind: 'page'; readonly at: number; readonly pages: number }

/** A root block must hold every table and its limit. */
if (tables * 2 > rootLimit) throw new RangeError('the root is too small')
