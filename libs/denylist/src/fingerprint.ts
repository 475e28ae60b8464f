import { sipHash128 } from './sip-hash.js'

/** 32-bit words of a fingerprint: 96 of SipHash's 128 bits. */
export const fingerprintWords = 3
/** What a deployment's secret must be long: SipHash's key. Derive it (`curfew:denylist`), never type it. */
export const fingerprintKeyBytes = 16

/**
 * Stands 96 keyed bits for a selector's text. Two selectors share them with probability 2^-96, whoever chose their names, as long as the
 * key is secret: SipHash is a pseudo-random function, so an attacker cannot search for collisions off line, and on line he would need
 * about 2^96 / n attempts against n entries. A false refusal anywhere in q different questions has probability at most n * q / 2^96:
 * with 10 million entries and a million decisions of twelve probes a second for ten years, one in two million.
 */
export class Fingerprinter {
  private readonly key: Int32Array
  private bytes = new Uint8Array(512)
  private readonly out = new Int32Array(4)
  /** Tells two keys apart without giving either away; a snapshot says under which it was written. */
  readonly keyId: string

  constructor(readonly secret: Uint8Array) {
    if (secret.length !== fingerprintKeyBytes) throw new RangeError(`a fingerprint key has ${fingerprintKeyBytes} bytes`)
    this.key = keyWords(secret)
    this.hash('curfew denylist key')
    this.keyId = [...this.out].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** Writes the fingerprint's three words into `into` from `at` on. */
  write(selector: string, into: Int32Array, at: number): void {
    this.hash(selector)
    for (let i = 0; i < fingerprintWords; i += 1) into[at + i] = this.out[i]!
  }

  private hash(text: string): void {
    if (this.bytes.length < text.length * 3) this.bytes = new Uint8Array(text.length * 3)
    sipHash128(this.key, this.bytes, utf8(text, this.bytes), this.out, 0)
  }
}

export function keyWords(secret: Uint8Array): Int32Array {
  const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength)
  return Int32Array.from([0, 4, 8, 12], (at) => view.getInt32(at, true))
}

const encoder = new TextEncoder()

// Names are nearly always ASCII, and for short ones a loop is faster than a call out of the engine.
function utf8(text: string, into: Uint8Array): number {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return encoder.encodeInto(text, into).written
    into[i] = unit
  }
  return text.length
}
