import { createPublicKey, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto'

/** What of a record is signed: every part a reader acts on. Positions are not, since a record may be published more than once. */
export interface SignedParts {
  readonly topic: string
  readonly id: string
  readonly source: string
  readonly type: string
  readonly tenant: string
  readonly value: Buffer
  /** The schema version, 1 unless given: whoever could change it could make an authentic record unintelligible. */
  readonly version?: number
}

// Length-prefixed under a label of its own: no two records share an input, and no other signature of this key can be taken for one.
function signedBytes({ topic, id, source, type, tenant, value, version = 1 }: SignedParts): Buffer {
  const names = ['curfew-feed-v1', topic, id, source, type, tenant, ...(version === 1 ? [] : [String(version)])]
  return Buffer.concat([...names.map((text) => Buffer.from(text, 'utf8')), value].flatMap((bytes) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  }))
}

const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/

/** `<kid>.<base64url>`: an Ed25519 signature (RFC 8032) of the record by the control plane's feed key (PROTOCOL section 6). */
export const signRecord = (parts: SignedParts, key: { readonly kid: string; readonly privateKey: KeyObject }): string =>
  `${key.kid}.${sign(null, signedBytes(parts), key.privateKey).toString('base64url')}`

/** The key id a signature names, or undefined when it is none. It is not believed, only looked up. */
export function keyIdOf(signature: string | undefined): string | undefined {
  const [kid, encoded, more] = (signature ?? '').split('.', 3)
  const isOne = kid !== undefined && encoded !== undefined && more === undefined && keyIdPattern.test(kid) && /^[A-Za-z0-9_-]{86}$/.test(encoded)
  return isOne ? kid : undefined
}

/** Whether one of these keys signed exactly this record. Never throws on input. */
export function isSigned(parts: SignedParts, signature: string | undefined, keys: ReadonlyMap<string, KeyObject>): boolean {
  const kid = keyIdOf(signature)
  const key = kid === undefined ? undefined : keys.get(kid)
  if (key === undefined || signature === undefined) return false
  return verify(null, signedBytes(parts), key, Buffer.from(signature.slice(signature.indexOf('.') + 1), 'base64url'))
}

/** The Ed25519 keys of a set by key id; whatever else it holds is left out, since it could not have signed. */
export function feedKeys(keys: readonly (JsonWebKey & { readonly kid?: string })[]): Map<string, KeyObject> {
  const found = new Map<string, KeyObject>()
  for (const { kty, crv, x, kid } of keys) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || kid === undefined || !keyIdPattern.test(kid)) continue
    try {
      found.set(kid, createPublicKey({ key: { kty, crv, x }, format: 'jwk' }))
    } catch {
      // Not a point on the curve: no signature can be made with it.
    }
  }
  return found
}
