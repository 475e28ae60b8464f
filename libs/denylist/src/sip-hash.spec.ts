import { keyWords, Fingerprinter } from './fingerprint.js'
import { sipHash128 } from './sip-hash.js'

const key = keyWords(Uint8Array.from({ length: 16 }, (_, i) => i))
const hash = (length: number) => {
  const out = new Int32Array(4)
  sipHash128(key, Uint8Array.from({ length }, (_, i) => i), length, out, 0)
  return Buffer.from(out.buffer).toString('hex')
}

test.each([
  [0, 'a3817f04ba25a8e66df67214c7550293'], [1, 'da87c1d86b99af44347659119b22fc45'], [15, '5493e99933b0a8117e08ec0f97cfc3d9'], [18, 'a426e5e423bf4885294da481feaef723'],
])('agrees with the reference on the first %i bytes (SipHash-2-4-128, checked against OpenSSL)', (length, expected) => {
  expect(hash(length)).toBe(expected)
})

test('a name beyond ASCII, or longer than the buffer, is hashed whole', () => {
  const fingerprints = new Fingerprinter(new Uint8Array(16))
  const of = (text: string) => {
    const words = new Int32Array(3)
    fingerprints.write(text, words, 0)
    return words.join()
  }
  const texts = ['é', 'e', 'é'.repeat(2_000), `${'é'.repeat(1_999)}e`, 'x'.repeat(5_000), `${'x'.repeat(4_999)}y`, '']
  expect(new Set(texts.map(of)).size).toBe(texts.length)
})

test('another secret is another hash, and says so without giving itself away', () => {
  expect(new Fingerprinter(new Uint8Array(16)).keyId).not.toBe(new Fingerprinter(new Uint8Array(16).fill(1)).keyId)
  expect(() => new Fingerprinter(new Uint8Array(15))).toThrow(RangeError)
})
