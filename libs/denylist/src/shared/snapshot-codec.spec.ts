import { instant, tenantId, type Instant } from '@curfew/kernel'
import fc from 'fast-check'
import { SharedDenylist, SnapshotRefused, type LiveRevocation, type Scope, type TokenFacts } from '../index.js'

const acme = tenantId('acme')
const later = instant(1e12)
const issuer = 'https://curfew.test'
const key = Uint8Array.from({ length: 16 }, (_, i) => i)
const empty = (secret = key) => new SharedDenylist({ key: secret, maxBytes: 2 ** 24 })
const positions = { topicId: 'QWxsIGlzIHdlbGw', offsets: [0n, 17n, 2n ** 62n] }
const about = (hop: TokenFacts['hops'][0], began: number): TokenFacts => ({ tenant: acme, hops: [hop], beganAt: instant(began), expiresAt: later })
const wide = (scope: Scope, cutoff: number, except: string[] = []): LiveRevocation => ({ tenant: acme, scope, cutoff: instant(cutoff), except, forgetAfter: later })

/** One of everything, so that a flipped bit can fall on every field there is. */
function small(): SharedDenylist {
  const denylist = empty()
  denylist.apply({ tenant: acme, scope: { kind: 'session', id: 's' }, cutoff: null, except: [], forgetAfter: later })
  denylist.apply(wide({ kind: 'subject', issuer, sub: 'alice' }, 1_795_500_000_000, ['spared']))
  denylist.applyQuarantine({ tenant: acme, agentId: 'a', version: 2 ** 50 + 1, quarantined: true, until: instant(900), forgetAfter: later })
  return denylist
}
const asked: readonly (readonly [TokenFacts, Instant])[] = [
  [about({ sessionId: 's' }, 1), instant(1)], [about({ issuer, sub: 'alice', sessionId: 'x' }, 1_795_500_000_000), instant(1)],
  [about({ issuer, sub: 'alice', sessionId: 'x' }, 1_795_500_000_001), instant(1)], [about({ issuer, sub: 'alice', sessionId: 'spared' }, 5), instant(1)],
  [about({ agentId: 'a' }, 1), instant(899)], [about({ agentId: 'a' }, 1), instant(900)], [about({ sessionId: 'other' }, 1), instant(1)],
]
const answers = (denylist: SharedDenylist) => asked.map(([facts, now]) => denylist.verdictOn(facts, now))
const whole = (denylist: SharedDenylist) => Buffer.concat([...denylist.encode(positions)])
function load(bytes: Uint8Array, into = empty()) {
  const loader = into.loader()
  loader.push(bytes)
  return { into, positions: loader.finish() }
}

test('a snapshot restores every answer and the positions, however it is cut on the way', () => {
  const bytes = whole(small())
  fc.assert(fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
    const restored = empty()
    const loader = restored.loader()
    const borders = [0, ...cuts.sort((a, b) => a - b), bytes.length]
    for (let i = 1; i < borders.length; i += 1) loader.push(bytes.subarray(borders[i - 1], borders[i]))
    expect(loader.finish()).toEqual(positions)
    expect(answers(restored)).toEqual(['revoked', 'revoked', 'allowed', 'allowed', 'revoked', 'allowed', 'allowed'])
  }), { numRuns: 100 })
})

test('every truncation is refused', () => {
  const bytes = whole(small())
  const into = empty()
  for (let length = 0; length < bytes.length; length += 1) expect(() => load(bytes.subarray(0, length), into)).toThrow(SnapshotRefused)
})

test('every flipped bit is refused, and none makes an entry of its own', () => {
  const bytes = whole(small())
  // One for all of them: what any of them made would stay.
  const into = empty()
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const broken = Uint8Array.from(bytes)
    broken[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => load(broken, into)).toThrow(SnapshotRefused)
  }
  expect(into.size).toBe(2)
  expect(answers(into)).toEqual(answers(small()))
})

test('chunks left out, repeated, swapped or taken from another snapshot are refused, and so is anything behind the end', () => {
  const many = empty()
  for (let i = 0; i < 9_000; i += 1) many.apply({ tenant: acme, scope: { kind: 'session', id: `${i}` }, cutoff: null, except: [], forgetAfter: later })
  const chunks = [...many.encode(positions)]
  const others = [...many.encode({ ...positions, topicId: 'another' })]
  expect(chunks.length).toBeGreaterThan(4)
  const [head, first, second, ...rest] = chunks as [Uint8Array, Uint8Array, Uint8Array, ...Uint8Array[]]
  for (const broken of [[head, second, ...rest], [head, first, first, second, ...rest], [head, second, first, ...rest], [head, others[1]!, second, ...rest], [first, second, ...rest], [...chunks, head], [...chunks, Buffer.of(0)]]) {
    expect(() => load(Buffer.concat(broken))).toThrow(SnapshotRefused)
  }
  expect(load(Buffer.concat(chunks)).into.size).toBe(9_000)
})

test('a snapshot under another key is refused, and so is random rubbish', () => {
  const bytes = whole(small())
  expect(() => load(bytes, empty(new Uint8Array(16)))).toThrow(SnapshotRefused)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (rubbish) => {
    expect(() => load(rubbish)).toThrow(SnapshotRefused)
  }))
})

test('what is applied while a snapshot is written hides nothing that was there before', () => {
  const denylist = empty()
  const revoke = (i: number) => denylist.apply({ tenant: acme, scope: { kind: 'session', id: `${i}` }, cutoff: null, except: [], forgetAfter: later })
  for (let i = 0; i < 6_000; i += 1) revoke(i)
  const chunks: Uint8Array[] = []
  let added = 6_000
  for (const one of denylist.encode(positions)) {
    chunks.push(one)
    for (const to = added + 4_000; added < to; added += 1) revoke(added)
  }
  const { into } = load(Buffer.concat(chunks))
  for (let i = 0; i < 6_000; i += 1) expect(into.verdictOn(about({ sessionId: `${i}` }, 1), instant(1))).toBe('revoked')
})
