/** Bounds of what the trail keeps of one event's data. What is beyond is left out and said to be: the record itself stays on its topic. */
const longestText = 1_024
const longestName = 64
const mostItems = 100
const deepest = 8
const mostBytes = 32_768

/** No identifier of the contract is longer, so a cut that keeps this much in hand never leaves half a session id behind. */
const longestId = 256
/** Shorter ids are replaced only where they stand alone: replacing every `a` would mangle what it does not protect. */
const shortestInside = 8

/** A text without plain session ids and tokens, storable and bounded. */
export type Redaction = (text: string, longest?: number) => string

/** Replaces the given session ids by what stands for them, wherever in a text they are (I12). */
export function redaction(plainSessionIds: readonly string[], hash: (sessionId: string) => string): Redaction {
  const ids = new Set(plainSessionIds)
  const lengths = [...new Set(plainSessionIds.map((id) => id.length))].filter((length) => length >= shortestInside).sort((a, b) => b - a)
  return (text, longest = longestText) => {
    if (ids.has(text)) return hash(text)
    const isCut = text.length > longest
    const looked = isCut ? text.slice(0, longest + longestId) : text
    const safe = withoutTokens(storable(replaced(looked, ids, lengths, hash)))
    return isCut ? `${storable(safe.slice(0, -longestId))}…` : safe
  }
}

/** Looks for an id of each length at each place, the longest first, so that its cost does not grow with the number of ids. */
function replaced(text: string, ids: ReadonlySet<string>, lengths: readonly number[], hash: (sessionId: string) => string): string {
  if (lengths.length === 0) return text
  let kept = ''
  for (let at = 0; at < text.length;) {
    const length = lengths.find((each) => at + each <= text.length && ids.has(text.slice(at, at + each)))
    kept += length === undefined ? text[at] : hash(text.slice(at, at + length))
    at += length ?? 1
  }
  return kept
}

/** Base64url parts of which the first begins as a JSON object does: a JWT, whole or cut. No row holds a token (I12). */
const withoutTokens = (text: string): string => text.replace(/eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)+/g, '[token]')

/** PostgreSQL's text and jsonb take neither NUL nor lone surrogates. */
const storable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD')

/** An event's data as the trail keeps it: redacted, storable and bounded. */
export function keptData(data: unknown, redact: Redaction): unknown {
  const kept = bounded(data, redact, 0)
  const bytes = Buffer.byteLength(JSON.stringify(kept))
  return bytes <= mostBytes ? kept : { omitted: `${bytes} bytes are more than the trail keeps of one event` }
}

function bounded(value: unknown, redact: Redaction, depth: number): unknown {
  if (typeof value === 'string') return redact(value)
  if (value === null || typeof value !== 'object') return value ?? null
  if (depth === deepest) return '[deeper]'
  if (Array.isArray(value)) {
    const items = value.slice(0, mostItems).map((item) => bounded(item, redact, depth + 1))
    return value.length <= mostItems ? items : [...items, `[${value.length - mostItems} more]`]
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const kept = members.slice(0, mostItems).map(([name, member]): [string, unknown] => [redact(name, longestName), bounded(member, redact, depth + 1)])
  return Object.fromEntries(members.length <= mostItems ? kept : [...kept, ['[more]', members.length - mostItems]])
}
