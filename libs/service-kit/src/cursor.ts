import { Fault } from '@curfew/contracts'
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'

/** The key of the last row shown: what the next page starts after. Numbers are safe integers; larger ones go as text. */
export type CursorPosition = readonly (string | number | null)[]

const nonceBytes = 12
const tagBytes = 16
/** A contracts cursor is at most 512 characters; a position that would not fit is a defect of the list that made it. */
const maxLength = 512

/**
 * Opaque cursors of lists. A cursor is sealed, since it holds ids and travels in URLs that proxies log, and it opens only for the list it was
 * made for: `list` names the route, the tenant and whatever else must not change between pages.
 */
export class Cursors {
  private readonly sealing: Buffer
  private readonly choosing: Buffer

  constructor(key: Buffer) {
    const derive = (label: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', label, 32))
    this.sealing = derive('seal')
    this.choosing = derive('nonce')
  }

  encode(position: CursorPosition, list: string): string {
    const plain = Buffer.from(JSON.stringify(position))
    // The nonce is derived from what it seals: it repeats only with the same text, so no number of pages wears the key out.
    const nonce = createHmac('sha256', this.choosing).update(`${Buffer.byteLength(list)}:${list}`).update(plain).digest().subarray(0, nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.sealing, nonce).setAAD(Buffer.from(list))
    const body = Buffer.concat([cipher.update(plain), cipher.final()])
    const cursor = Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    if (cursor.length > maxLength) throw new RangeError('a cursor position is too long')
    return cursor
  }

  /** Undefined for no cursor: the first page. Fault `request.invalid` for one that this list did not make. */
  decode(cursor: string | undefined, list: string): CursorPosition | undefined {
    if (cursor === undefined) return undefined
    try {
      if (cursor.length > maxLength) throw new RangeError('too long')
      const sealed = Buffer.from(cursor, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', this.sealing, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(Buffer.from(list))
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes))
      return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString()) as CursorPosition
    } catch (cause) {
      throw new Fault('request.invalid', { errors: [{ pointer: '?cursor', message: 'is not a cursor of this list' }] }, { cause })
    }
  }
}
