/**
 * SipHash-2-4 with a 128-bit key and a 128-bit answer (Aumasson and Bernstein), on 32-bit halves because a core library may use neither
 * `node:crypto` nor BigInt on a hot path. It promises a keyed pseudo-random function: without the key nobody can tell which inputs
 * collide, so nobody can craft them. It is not a hash to be used without a secret key.
 */
export function sipHash128(key: Int32Array, data: Uint8Array, length: number, out: Int32Array, at: number): void {
  const [k0l, k0h, k1l, k1h] = [key[0]!, key[1]!, key[2]!, key[3]!]
  let v0l = 0x70736575 ^ k0l, v0h = 0x736f6d65 ^ k0h
  let v1l = 0x6e646f6d ^ k1l ^ 0xee, v1h = 0x646f7261 ^ k1h
  let v2l = 0x6e657261 ^ k0l, v2h = 0x6c796765 ^ k0h
  let v3l = 0x79746573 ^ k1l, v3h = 0x74656462 ^ k1h
  // Two rounds a block of eight bytes, the last of which holds the rest and the length; then twice four to finish.
  const finishing = ((length >>> 3) + 1) * 2
  let ml = 0, mh = 0
  for (let round = 0; round < finishing + 8; round += 1) {
    if (round < finishing) {
      if ((round & 1) === 0) {
        const from = round << 2
        ml = wordAt(data, from, length)
        mh = wordAt(data, from + 4, length)
        if (round === finishing - 2) mh |= length << 24
        v3l ^= ml
        v3h ^= mh
      }
    } else if (round === finishing) v2l ^= 0xee
    else if (round === finishing + 4) {
      out[at] = v0l ^ v1l ^ v2l ^ v3l
      out[at + 1] = v0h ^ v1h ^ v2h ^ v3h
      v1l ^= 0xdd
    }
    // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
    let sum = (v0l + v1l) | 0
    v0h = (v0h + v1h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0
    v0l = sum
    let turned = (v1l << 13) | (v1h >>> 19)
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h
    v1l = turned ^ v0l
    turned = v0l
    v0l = v0h
    v0h = turned
    // v2 += v3; v3 = rotl(v3, 16) ^ v2
    sum = (v2l + v3l) | 0
    v2h = (v2h + v3h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0
    v2l = sum
    turned = (v3l << 16) | (v3h >>> 16)
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h
    v3l = turned ^ v2l
    // v0 += v3; v3 = rotl(v3, 21) ^ v0
    sum = (v0l + v3l) | 0
    v0h = (v0h + v3h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0
    v0l = sum
    turned = (v3l << 21) | (v3h >>> 11)
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h
    v3l = turned ^ v0l
    // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
    sum = (v2l + v1l) | 0
    v2h = (v2h + v1h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0
    v2l = sum
    turned = (v1l << 17) | (v1h >>> 15)
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h
    v1l = turned ^ v2l
    turned = v2l
    v2l = v2h
    v2h = turned
    if (round < finishing && (round & 1) === 1) {
      v0l ^= ml
      v0h ^= mh
    }
  }
  out[at + 2] = v0l ^ v1l ^ v2l ^ v3l
  out[at + 3] = v0h ^ v1h ^ v2h ^ v3h
}

/** Four bytes little-endian, zero past the end. */
function wordAt(data: Uint8Array, from: number, length: number): number {
  if (from + 4 <= length) return data[from]! | (data[from + 1]! << 8) | (data[from + 2]! << 16) | (data[from + 3]! << 24)
  let word = 0
  for (let i = from; i < length; i += 1) word |= data[i]! << ((i - from) << 3)
  return word
}
