import type { ScopeKind } from '../scope.js'

/*
 * How the shared denylist lies in memory: one growable SharedArrayBuffer of 32-bit words, cut into pages of 16 KiB.
 *
 *   page 0     header: [magic, version, root, entries, ...], then one word for each reader, 64 bytes apart
 *   root       32 words: for each table the word where its directory lies and the directory's depth; the words in use at [30]
 *   directory  2^depth words, indexed by the top bits of fingerprint word a: each the place of a group
 *   group      8 words: pages in use (1 to 7) and log2 of its share of the directory, then the words where those pages lie
 *   page       n buckets of 8 slots: first all tags (a byte a slot: 0 never used, 1 dead, else 8 bits of the fingerprint), then all slots
 *   slot       session, token, key:   [a, b, c, forget]
 *              subject ... tenant:    [a, b, c, cutoff low, cutoff high 16 | flags, forget]
 *              exception heads:       [a, b, c, first link]              links: [next, a, b, c, cutoff low, cutoff high, 0, 0]
 *              quarantine flags:      [a, b, c, until low, until high 16 | flags, forget, version low, version high]
 *
 * An entry lies in one of two buckets of one page, or in that page's last two buckets when both were full. A group that is full is
 * copied into one with a page more, or split in two where it would have eight; so memory moves in steps of at most a quarter.
 *
 * WHY READERS NEED NO LOCK. There is one writer. Atomics operations are sequentially consistent and order the plain accesses around them;
 * plain 32-bit accesses do not tear, and a plain read returns either what happened before it or something written later, word by word,
 * in no promised order. A decision is one synchronous run of a reader:
 *
 *   v := Atomics.load(version);  Atomics.store(own word, odd);  r := Atomics.load(root);  plain reads from r on;  Atomics.store(own word, even)
 *
 *  R1 A change bumps `version` (Atomics) after all its writes, so they happen before every read of a decision that saw that version or a
 *     later one. A verdict is therefore never older than the version it is remembered under.
 *  R2 Roots, directories and groups are never written again once published: a change of shape writes new ones and stores the new root.
 *     What they point to was complete before that store, so nothing reached from r is half made.
 *  R3 In a page a slot is written once, from zeros, and its tag after it. A racing reader sees no tag, or a fingerprint that is
 *     incomplete, or a cutoff with a half still zero, which is lower than the whole one: at worst it misses an entry that is newer than v. Slots
 *     are not used twice and entries are not moved within a page, so no entry that v includes can hide between two reads.
 *  R4 Cutoffs only grow. While the high half stays, the low half is one store. Otherwise a second slot takes the new cutoff, the old one stays
 *     until the group is copied, and a reader obeys the highest of all slots that match.
 *  R5 Sparing is pointwise, and must not be missed when its cutoff is seen: the writer stores exceptions, then the flag that says there are some,
 *     then the cutoff (all Atomics); a reader about to refuse loads cutoff, then flag, then exceptions (all Atomics). Every mixture of
 *     two states lies between them, since both only grow. Flags of quarantine: `until` before the version, and read the other way about.
 *  R6 What was unlinked is reused only when every reader's own word was seen even, or changed, after the new root was stored. That load reads from the
 *     store that ended the reader's decision, so its plain reads happen before the reuse; a decision begun afterwards loads the new root.
 *
 * A reader never waits and never retries; a reader that dies within a decision delays reuse (memory grows) until `release` is called for it.
 */

export const pageWords = 4_096
export const pageShift = 12
export const header = { magic: 0, version: 1, root: 2, entries: 3, readers: 64 } as const
/** "CFD" and the version of this layout. */
export const magic = 0x43464401
export const maxReaders = 128
export const readerStride = 16
export const cellWords = 8
export const rootWords = 32
export const rootLimit = 30
export const maxPagesOfGroup = 7
export const maxDepth = 24

/** Sessions, tokens and keys come first: `table < wideFrom` is absolute. */
export const tableOf: Readonly<Record<ScopeKind, number>> = { session: 0, token: 1, key: 2, subject: 3, client: 4, device: 5, agent: 6, grant: 7, tenant: 8 }
export const wideFrom = 3
/** Subjects of any issuer: every token asks for one and hardly any is ever revoked, so they are not sought among the others. */
export const anyIssuerTable = 9
export const entryTables = 10
export const headsTable = 10
export const flagsTable = 11
export const tables = 12

/** The table of a selector by its kind and, where its kind has issuers, its issuer. */
export const tableFor = (kind: ScopeKind, issuer: string | undefined): number => (kind === 'subject' && issuer === '*' ? anyIssuerTable : tableOf[kind])

export const slotWordsOf = (table: number): number => (table < wideFrom || table === headsTable ? 4 : table === flagsTable ? 8 : 6)
/** A bucket is eight slots and eight tags (two words). */
const buckets = Int32Array.from({ length: 9 }, (_, slotWords) => Math.floor(pageWords / (8 * slotWords + 2)))
export const bucketsOf = (slotWords: number): number => buckets[slotWords]!
/** The last buckets of a page take what finds both of its own full. */
export const spillBuckets = 2
export const slotsOfPage = (slotWords: number): number => bucketsOf(slotWords) * 8
/** Where an entry's forget-after lies within its slot. Only the writer reads it. */
export const forgetAt = (slotWords: number): number => (slotWords === 4 ? 3 : 5)

export const deadTag = 1
/** Tags are 2 to 255. */
export function tagOf(b: number): number {
  // Without a branch: 0 and 1 become 254 and 255.
  const byte = b & 0xff
  return byte + (((byte - 2) >> 31) & 254)
}
/** The top `depth` bits; a shift by 32 would be a shift by 0. */
export const prefixOf = (a: number, depth: number): number => (a >>> 1) >>> (31 - depth)
export const pageIn = (b: number, pages: number): number => ((b >>> 16) * pages) >>> 16
export const firstBucket = (c: number, buckets: number): number => ((c >>> 16) * buckets) >>> 16
export function secondBucket(c: number, buckets: number, first: number): number {
  const other = ((c & 0xffff) * (buckets - 1)) >>> 16
  return other + (((first - other - 1) >>> 31) & 1)
}

/** Set in a slot's fifth word. */
export const hasExceptions = 1 << 16
/** A newer slot holds this entry: told to the writer, meaningless to readers. */
export const superseded = 1 << 17

/**
 * A cutoff as 48 bits that compare as cutoffs do: 0 kills nothing, all ones kill everything, and milliseconds lie between, from the year -260 to 4199.
 * An instant outside is moved to the nearest, upwards to "everything".
 */
const bias = 2 ** 46
export const neverCode = 0
export const alwaysCode = 2 ** 48 - 1
export function codeOf(ms: number): number {
  if (ms === Number.NEGATIVE_INFINITY) return neverCode
  if (ms >= bias) return alwaysCode
  return Math.max(1, Math.floor(ms) + bias)
}
export const msOf = (code: number): number => (code === neverCode ? Number.NEGATIVE_INFINITY : code === alwaysCode ? Number.POSITIVE_INFINITY : code - bias)
export const lowOf = (code: number): number => code | 0
export const highOf = (code: number): number => Math.floor(code / 2 ** 32)
export const codeFrom = (low: number, high: number): number => (high & 0xffff) * 2 ** 32 + (low >>> 0)

/** Forget-after in whole seconds, rounded up: an entry may stay a second too long, never go too early (I8). Beyond 2106 it stays. */
export const keptForever = 0xffffffff
export const forgetSeconds = (ms: number): number => Math.min(keptForever, Math.max(0, Math.ceil(ms / 1000)))
