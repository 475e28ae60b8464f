/** More words than a person would search one event by; each is an index entry. */
const maxWords = 32
/** Longer than any name a person types; the rest of a longer one is not searched. */
const maxLength = 64

/**
 * The words of some texts, lower-cased, each once, in order of appearance: runs of letters and digits of any script. Searching splits its query
 * the same way, so `q=alice@example.com` finds what holds all of alice, example and com.
 */
export function wordsOf(texts: readonly string[], limit = maxWords): string[] {
  const found = new Set<string>()
  for (const text of texts) {
    for (const [run] of text.normalize('NFKC').toLowerCase().matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
      if (found.size === limit) return [...found]
      found.add(Array.from(run).slice(0, maxLength).join(''))
    }
  }
  return [...found]
}
