import { instant, tenantId } from '@curfew/kernel'
import { Fingerprinter, forgetMarginMs, MemoryExhausted, SharedDenylist, type LiveRevocation, type Scope, type ScopeKind, type TokenFacts } from '../index.js'
import { selectorOf } from '../selector.js'
import { tableOf } from './layout.js'

const acme = tenantId('acme')
const issuer = 'https://curfew.test'
const later = instant(1e12)
const now = instant(1)
const key = Uint8Array.from({ length: 16 }, (_, i) => i * 3)
const fingerprints = new Fingerprinter(key)
const session = (id: string, forgetAfter = later): LiveRevocation => ({ tenant: acme, scope: { kind: 'session', id }, cutoff: null, except: [], forgetAfter })
const subject = (sub: string, forgetAfter = later, except: string[] = []): LiveRevocation => ({ tenant: acme, scope: { kind: 'subject', issuer, sub }, cutoff: instant(100), except, forgetAfter })
const ofSession = (sessionId: string): TokenFacts => ({ tenant: acme, hops: [{ sessionId }], beganAt: instant(50), expiresAt: later })

/** What asks for one fingerprint in one table, as a token would whose selector hashed to it. */
const probe = (kind: ScopeKind, words: Int32Array) =>
  ({ beganAt: 50, probes: [tableOf[kind], ...words], lineage: [], judgedBy: undefined, judgedAt: 0, verdict: 'allowed' as const })
const hashOf = (scope: Scope) => {
  const words = new Int32Array(3)
  fingerprints.write(selectorOf(acme, scope), words, 0)
  return words
}

describe('false refusals', () => {
  test.each<[string, LiveRevocation]>([['absolute', session('s')], ['wide', subject('alice')]])('need all 96 bits of an entry that is %s: one that differs is a miss', (_kind, revocation) => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 24 })
    denylist.apply(revocation)
    const exact = hashOf(revocation.scope)
    expect(denylist.verdictOnPrepared(probe(revocation.scope.kind, exact), now)).toBe('revoked')
    for (let bit = 0; bit < 96; bit += 1) {
      const near = Int32Array.from(exact)
      near[bit >> 5]! ^= 1 << (bit & 31)
      expect(denylist.verdictOnPrepared(probe(revocation.scope.kind, near), now)).toBe('allowed')
    }
  })

  test('need a neighbour in the same page and bucket to differ in nothing at all', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 24 })
    for (let i = 0; i < 5_000; i += 1) denylist.apply(session(`s${i}`))
    // Same page, buckets and tag as a true entry, by construction; only the bits that choose none of them differ.
    for (let i = 0; i < 5_000; i += 1) {
      const near = hashOf({ kind: 'session', id: `s${i}` })
      near[0]! ^= 1
      expect(denylist.verdictOnPrepared(probe('session', near), now)).toBe('allowed')
    }
  })
})

describe('memory', () => {
  test('an entry takes at most 32 bytes where a table is as full as it gets, and never over 64 while it grows', () => {
    for (const [make, full, most] of [[session, 24, 32], [subject, 32, 42]] as const) {
      const denylist = new SharedDenylist({ key, maxBytes: 2 ** 26 })
      const sizes: number[] = []
      for (let i = 0; i < 70_000; i += 1) {
        denylist.apply(make(`n${i}`))
        if (i > 15_000 && i % 500 === 0) sizes.push(denylist.memory.used / denylist.size)
      }
      expect(Math.min(...sizes)).toBeLessThan(full)
      expect(Math.max(...sizes)).toBeLessThan(most)
      // What is held beyond that was freed by copies and is used next.
      expect(denylist.memory.held / denylist.size).toBeLessThan(64)
    }
  })

  test('a kind without entries costs nothing, before the first and after the last was forgotten', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 24 })
    const idle = denylist.memory.used
    for (let i = 0; i < 9_000; i += 1) denylist.apply(session(`n${i}`, instant(1_000)))
    for (let i = 0; i < 100; i += 1) denylist.apply(subject(`n${i}`, instant(1_000), ['spared']))
    const past = instant(2_000 + forgetMarginMs)
    expect(denylist.forget(past, past)).toBe(9_100)
    expect(denylist.memory.used - idle).toBeLessThanOrEqual(2 * 16_384)
  })

  test('what is revoked and forgotten at one rate stays at one size', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 25 })
    const held: number[] = []
    for (let round = 0; round < 30; round += 1) {
      for (let i = 0; i < 4_000; i += 1) denylist.apply(session(`r${round}-${i}`, instant(round * 1_000)))
      const past = instant((round - 4) * 1_000 + forgetMarginMs + 1)
      denylist.forget(past, past)
      held.push(denylist.memory.held)
      expect(denylist.size).toBeLessThanOrEqual(5 * 4_000)
    }
    expect(held.at(-1)).toBeLessThanOrEqual(held[14]! * 1.1)
  })

  test('when it is full it says so and stays right; what is forgotten makes room again', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 22 })
    let applied = 0
    const fill = () => {
      for (;;) {
        denylist.apply(session(`n${applied}`, instant(applied % 2 === 0 ? 1_000 : later)))
        applied += 1
      }
    }
    expect(fill).toThrow(MemoryExhausted)
    expect(applied).toBeGreaterThan(100_000)
    expect(denylist.size).toBe(applied)
    for (let i = 0; i < applied; i += 23) expect(denylist.verdictOn(ofSession(`n${i}`), now)).toBe('revoked')
    const version = denylist.version
    expect(() => denylist.apply(session(`n${applied}`))).toThrow(MemoryExhausted)
    expect(denylist.version).toBe(version)
    const past = instant(2_000 + forgetMarginMs)
    expect(denylist.forget(past, past)).toBe(Math.ceil(applied / 2))
    denylist.apply(session(`n${applied}`))
    expect(denylist.verdictOn(ofSession(`n${applied}`), now)).toBe('revoked')
    expect(denylist.verdictOn(ofSession('n1'), now)).toBe('revoked')
  })

  test('room reserved beforehand is filled without copies, and answers the same', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 26 })
    denylist.reserve('subject', 50_000)
    const before = denylist.memory.held
    for (let i = 0; i < 50_000; i += 1) denylist.apply(subject(`n${i}`))
    expect(denylist.memory.held).toBeLessThan(before * 1.05)
    expect(denylist.size).toBe(50_000)
  })

  test('a duplicate changes no version, so that no verdict is given up for it', () => {
    const denylist = new SharedDenylist({ key, maxBytes: 2 ** 24 })
    const once = subject('alice', later, ['spared'])
    denylist.apply(once)
    const { version } = denylist
    denylist.apply(once)
    denylist.apply({ ...once, cutoff: instant(99) })
    expect(denylist.version).toBe(version)
    // It spares nobody, and so kills what the higher one spared.
    denylist.apply({ ...once, cutoff: instant(99), except: [] })
    expect(denylist.version).not.toBe(version)
  })
})
