import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { Secret } from '@curfew/kernel'
import { Cursors } from './cursor.js'

/** Keys that all services of a deployment derive from its root secret, each for one purpose. An abstract class, so that it is a Nest token too. */
export abstract class DerivedSecrets {
  /** The keyed hash that stands for a session id wherever the plain one must not appear (I12). 22 characters: 132 bits. */
  abstract sessionHash(tenant: string, sessionId: string): string
  /** AES-256-GCM. `context` is authenticated: what was sealed for one row does not open in another. */
  abstract seal(plain: Buffer, context: string): Buffer
  /** Throws when the secret or the context is another, or a byte was changed. */
  abstract open(sealed: Buffer, context: string): Buffer
  /** The opaque cursors of lists. */
  abstract readonly cursors: Cursors
}

const ivBytes = 12
const tagBytes = 16

export function derivedSecrets(root: Secret): DerivedSecrets {
  // RFC 5869; the label keeps one purpose's key from serving another.
  const key = (label: string): Buffer => Buffer.from(hkdfSync('sha256', root.reveal(), 'curfew', label, 32))
  const hashing = key('curfew:session-hash')
  const sealing = key('curfew:key-encryption')
  return {
    cursors: new Cursors(key('curfew:cursor')),
    sessionHash: (tenant, sessionId) => createHmac('sha256', hashing).update(`${tenant}\0${sessionId}`).digest('base64url').slice(0, 22),
    seal: (plain, context) => {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', sealing, iv).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body])
    },
    open: (sealed, context) => {
      // The tag's length is named: without it a tag cut short would still be taken.
      const decipher = createDecipheriv('aes-256-gcm', sealing, sealed.subarray(0, ivBytes), { authTagLength: tagBytes }).setAAD(Buffer.from(context))
      decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
      return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()])
    },
  }
}
