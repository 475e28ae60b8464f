import { bucketsOf, firstBucket, pageWords, secondBucket, spillBuckets, tagOf } from './layout.js'

/** Bits that are set where a byte of the word is zero; the lowest one is exact. */
export const zeroBytes = (word: number): number => (word - 0x01010101) & ~word & 0x80808080 // the borrow only disturbs bytes above a zero
/** Which byte of a word the lowest of these bits stands for. */
const lowestByte = (bits: number): number => (31 - Math.clz32(bits & -bits)) >> 3

/**
 * The first slot of this page after the word `after` that holds this fingerprint, or 0. Buckets are visited by place, so that asking
 * again from the last answer visits all. Plain reads: see `layout.ts` for why that is enough.
 */
export function nextInPage(words: Int32Array, page: number, slotWords: number, a: number, b: number, c: number, after: number): number {
  const buckets = bucketsOf(slotWords) - spillBuckets
  const first = firstBucket(c, buckets)
  const second = secondBucket(c, buckets, first)
  const low = first < second ? first : second
  const high = first < second ? second : first
  const pattern = tagOf(b) * 0x01010101
  const slots = page + (buckets + spillBuckets) * 2
  const low0 = words[page + low * 2]!, low1 = words[page + low * 2 + 1]!
  const high0 = words[page + high * 2]!, high1 = words[page + high * 2 + 1]!
  const found = inBucket(words, low0, low1, pattern, slots + low * 8 * slotWords, slotWords, a, b, c, after)
    || inBucket(words, high0, high1, pattern, slots + high * 8 * slotWords, slotWords, a, b, c, after)
  if (found !== 0) return found
  // Tags never return to zero, so whoever was spilled found these as full as we do.
  if ((zeroBytes(low0) | zeroBytes(low1) | zeroBytes(high0) | zeroBytes(high1)) !== 0) return 0
  for (let spill = buckets; spill < buckets + spillBuckets; spill += 1) {
    const slot = inBucket(words, words[page + spill * 2]!, words[page + spill * 2 + 1]!, pattern, slots + spill * 8 * slotWords, slotWords, a, b, c, after)
    if (slot !== 0) return slot
  }
  return 0
}

function inBucket(words: Int32Array, tags0: number, tags1: number, pattern: number, slots: number, slotWords: number, a: number, b: number, c: number, after: number): number {
  for (let matches = zeroBytes(tags0 ^ pattern); matches !== 0; matches &= matches - 1) {
    const slot = slots + lowestByte(matches) * slotWords
    if (words[slot] === a && words[slot + 1] === b && words[slot + 2] === c && slot > after) return slot
  }
  for (let matches = zeroBytes(tags1 ^ pattern); matches !== 0; matches &= matches - 1) {
    const slot = slots + (4 + lowestByte(matches)) * slotWords
    if (words[slot] === a && words[slot + 1] === b && words[slot + 2] === c && slot > after) return slot
  }
  return 0
}

/** How many slots of a bucket were ever used: they fill in order. */
function usedInBucket(words: Int32Array, tagsAt: number): number {
  const free0 = zeroBytes(words[tagsAt]!)
  if (free0 !== 0) return lowestByte(free0)
  const free1 = zeroBytes(words[tagsAt + 1]!)
  return free1 !== 0 ? 4 + lowestByte(free1) : 8
}

/** A slot that was never used, in the emptier of a fingerprint's two buckets or in the spill, or 0 where all are full. */
export function freeSlotIn(words: Int32Array, page: number, slotWords: number, c: number): number {
  const buckets = bucketsOf(slotWords) - spillBuckets
  const first = firstBucket(c, buckets)
  const second = secondBucket(c, buckets, first)
  const usedFirst = usedInBucket(words, page + first * 2)
  const usedSecond = usedInBucket(words, page + second * 2)
  let bucket = usedSecond < usedFirst ? second : first
  let used = usedSecond < usedFirst ? usedSecond : usedFirst
  for (let spill = buckets; used === 8; spill += 1) {
    if (spill === buckets + spillBuckets) return 0
    bucket = spill
    used = usedInBucket(words, page + bucket * 2)
  }
  return page + (buckets + spillBuckets) * 2 + (bucket * 8 + used) * slotWords
}

/** Tags are changed a word at a time, as they are read, by the one writer there is. */
export function setTag(words: Int32Array, slot: number, slotWords: number, tag: number): void {
  const page = slot & -pageWords
  const ordinal = (slot - page - bucketsOf(slotWords) * 2) / slotWords
  const shift = (ordinal & 3) << 3
  const at = page + (ordinal >> 2)
  words[at] = (words[at]! & ~(0xff << shift)) | (tag << shift)
}

/** Visits every slot of a page that holds something alive. */
export function eachSlotOf(words: Int32Array, page: number, slotWords: number, visit: (slot: number) => void): void {
  const buckets = bucketsOf(slotWords)
  const slots = page + buckets * 2
  for (let word = 0; word < buckets * 2; word += 1) {
    let tags = words[page + word]!
    for (let i = 0; tags !== 0; i += 1, tags >>>= 8) if ((tags & 0xff) > 1) visit(slots + (word * 4 + i) * slotWords)
  }
}
