const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/** Nesting past this is nobody's token: eight actors and their surroundings stay under half of it. */
const maxDepth = 32

/**
 * Reads a JSON object from UTF-8 bytes; undefined when it is none, nests deeper than 32, or names one member twice at any level.
 * RFC 7519 section 4 lets a reader keep the last of two equal members; two readers that keep different ones see two different tokens.
 */
export function readStrictObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value)
    return isObject && isUnambiguous(text) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

// The text already parsed, so its strings, brackets and member names are the only tokens that matter.
function isUnambiguous(text: string): boolean {
  const open: Set<string>[] = []
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > maxDepth) return false
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string
      const members = open.at(-1)!
      if (members.has(name)) return false
      members.add(name)
    }
  }
  return true
}
