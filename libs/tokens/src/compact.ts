import { base64url } from 'jose'
import { kidPattern } from './algorithms.js'
import { readStrictObject } from './strict-json.js'

/** Real tokens with long chains are under 4 KiB; four times that, and a proxy's usual header limit, bound what one request can cost. Longer is refused. */
export const maxTokenLength = 16_384

/** A token taken apart and not yet believed: nothing here was verified. */
export interface UnverifiedToken {
  readonly header: Record<string, unknown>
  readonly payload: Record<string, unknown>
}

/** Takes a compact JWS apart, or says why it is none. Only one spelling of each part is taken, so that a token has one text. */
export function readCompact(token: unknown): UnverifiedToken | string {
  if (typeof token !== 'string') return 'it is not text'
  if (token.length > maxTokenLength) return 'it is too long'
  const parts = token.split('.', 4)
  if (parts.length !== 3) return 'it does not have three parts'
  const [head, body, signature] = parts.map(decodeCanonical)
  if (!head || !body || !signature || signature.length === 0) return 'a part is not canonical base64url'
  const header = readStrictObject(head)
  if (!header) return 'its header is not an unambiguous JSON object'
  const payload = readStrictObject(body)
  return payload ? { header, payload } : 'its payload is not an unambiguous JSON object'
}

// The last character of a base64url text may carry bits that decoding ignores: a second spelling of the same signature is not the same token.
function decodeCanonical(part: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(part)) return undefined
  try {
    const bytes = base64url.decode(part)
    return base64url.encode(bytes) === part ? bytes : undefined
  } catch {
    return undefined
  }
}

// RFC 8725 section 3: keys come from configuration, never from the token; extensions we do not know are not skipped.
const forbidden = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc']

/** What is wrong with a header apart from its algorithm, if anything. */
export function objectionTo(header: Record<string, unknown>): string | undefined {
  const present = forbidden.find((name) => Object.hasOwn(header, name))
  if (present !== undefined) return `its header carries ${present}`
  // RFC 9068 section 4: an ID token or a SET of the same issuer is not an access token.
  if (typeof header['typ'] !== 'string' || !/^(?:application\/)?at\+jwt$/i.test(header['typ'])) return 'its type is not at+jwt'
  if (typeof header['kid'] !== 'string' || !kidPattern.test(header['kid'])) return 'its key id is missing or not one'
  return typeof header['alg'] === 'string' ? undefined : 'it names no algorithm'
}
