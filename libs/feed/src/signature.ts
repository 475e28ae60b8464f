import { sign, verify, type KeyObject } from 'node:crypto'

/** What of a record is signed: every part a reader acts on. Positions are not, since a record may be published more than once. */
export interface SignedParts {
  readonly topic: string
  readonly id: string
  readonly source: string
  readonly type: string
  readonly tenant: string
  readonly value: Buffer
}

// Length-prefixed under a label of its own: no two records share an input, and no other signature of this key can be taken for one.
function signedBytes(parts: SignedParts): Buffer {
  const fields = ['curfew-feed-v1', parts.topic, parts.id, parts.source, parts.type, parts.tenant].map((text) => Buffer.from(text, 'utf8'))
  return Buffer.concat([...fields, parts.value].flatMap((bytes) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  }))
}

const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/

/** `<kid>.<base64url>`: an Ed25519 signature (RFC 8032) of the record by the control plane's feed key (PROTOCOL section 6). */
export const signRecord = (parts: SignedParts, key: { readonly kid: string; readonly privateKey: KeyObject }): string =>
  `${key.kid}.${sign(null, signedBytes(parts), key.privateKey).toString('base64url')}`

/** Whether one of these keys signed exactly this record. Never throws on input. */
export function isSigned(parts: SignedParts, signature: string | undefined, keys: ReadonlyMap<string, KeyObject>): boolean {
  const [kid, encoded, more] = (signature ?? '').split('.')
  if (kid === undefined || encoded === undefined || more !== undefined || !keyIdPattern.test(kid) || !/^[A-Za-z0-9_-]{86}$/.test(encoded)) return false
  const key = keys.get(kid)
  return key !== undefined && verify(null, signedBytes(parts), key, Buffer.from(encoded, 'base64url'))
}
