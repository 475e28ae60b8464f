import { codeFrom, highOf, lowOf } from './layout.js'
import type { Memory } from './memory.js'
import { Table } from './table.js'
import { headsTable } from './layout.js'

/** The cutoff that holds for one spared session: its fingerprint and the code of `c_s` (PROTOCOL section 1). */
export interface Exception {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly code: number
}

/**
 * Exceptions of entries, as their writer sees them: one link of eight words each, chained from a head that bears the entry's fingerprint. A chain is
 * never changed: a new one replaces it whole.
 */
export class Exceptions {
  private readonly heads: Table

  constructor(private readonly memory: Memory) {
    this.heads = new Table(memory, headsTable)
  }

  of(a: number, b: number, c: number): Exception[] {
    const head = this.heads.find(a, b, c)
    if (head === 0) return []
    const { words } = this.memory
    const found: Exception[] = []
    for (let link = words[head + 3]!; link !== 0; link = words[link]!) {
      found.push({ a: words[link + 1]!, b: words[link + 2]!, c: words[link + 3]!, code: codeFrom(words[link + 4]!, words[link + 5]!) })
    }
    return found
  }

  /** Readers that load the head from now on see this chain, whole. */
  set(a: number, b: number, c: number, exceptions: readonly Exception[]): void {
    this.memory.ensure(0, exceptions.length)
    const first = this.chain(exceptions)
    const head = this.heads.find(a, b, c)
    if (head === 0) this.heads.add(Int32Array.of(a, b, c, first))
    else {
      const old = this.memory.words[head + 3]!
      Atomics.store(this.memory.words, head + 3, first)
      this.retireChain(old)
    }
  }

  /** For an entry that is gone, or whose sessions all have its cutoff now. */
  clear(a: number, b: number, c: number): void {
    const head = this.heads.find(a, b, c)
    if (head === 0) return
    const old = this.memory.words[head + 3]!
    // Not by the tag alone: a reader that still sees the tag must find no chain that was reused (R6).
    Atomics.store(this.memory.words, head + 3, 0)
    this.heads.remove(head)
    this.retireChain(old)
  }

  private chain(exceptions: readonly Exception[]): number {
    let next = 0
    for (const { a, b, c, code } of exceptions) {
      const link = this.memory.takeCell()
      const { words } = this.memory
      words[link] = next
      words[link + 1] = a
      words[link + 2] = b
      words[link + 3] = c
      words[link + 4] = lowOf(code)
      words[link + 5] = highOf(code)
      next = link
    }
    return next
  }

  private retireChain(first: number): void {
    for (let link = first; link !== 0; link = this.memory.words[link]!) this.memory.retire({ kind: 'cell', at: link })
    this.memory.reclaim()
  }
}
