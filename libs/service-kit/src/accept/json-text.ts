import { Fault } from '@curfew/contracts'

/** Deeper than any body of the contract; what is deeper only exhausts stacks. */
export const maxDepth = 32
/** A batch of 500 signals fits well; a topic takes as much in one record. */
export const maxBodyBytes = 1_048_576

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a JSON body: UTF-8 only, at most `maxDepth` deep, and no member named `__proto__`. Fault `request.invalid` otherwise. */
export function readJsonBody(bytes: Buffer): unknown {
  const text = decoded(bytes)
  if (depthOf(text) > maxDepth) throw invalid(`nests deeper than ${maxDepth} levels`)
  const value = parsed(text)
  // Only a text that names it, plainly or by escapes, can hold it.
  if (/__proto__|\\u00[57]/i.test(text) && holdsProto(value)) throw invalid('has a member that no body may have')
  return value
}

function decoded(bytes: Buffer): string {
  try {
    return strictUtf8.decode(bytes)
  } catch (cause) {
    throw invalid('is not UTF-8', cause)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(text === '' ? 'is missing' : 'is not JSON', cause)
  }
}

/** The deepest nesting, counted before anything is built. Brackets inside strings do not count. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === 0x5c) at += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, (depth += 1))
    else if (char === 0x7d || char === 0x5d) depth -= 1
  }
  return deepest
}

function holdsProto(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsProto)
}

const invalid = (message: string, cause?: unknown): Fault => new Fault('request.invalid', { errors: [{ pointer: '', message }] }, { cause })
