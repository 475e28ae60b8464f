import { instant, tenantId, type TenantId } from '@curfew/kernel'
import fc from 'fast-check'
import { cutoffFor, entryOf, forgetMarginMs, MapDenylist, mergeEntries, type Entry, type Hop, type LiveRevocation, type QuarantineFlag, type Scope, type TokenFacts } from './index.js'

const acme = tenantId('acme')
const later = instant(1e12)
const now = instant(500)
const issuer = 'https://curfew.test'

const facts = (own: Hop, beganAt: number, more: Hop[] = [], tenant: TenantId = acme): TokenFacts => ({ tenant, hops: [own, ...more], beganAt: instant(beganAt), expiresAt: later })
const wide = (scope: Scope, cutoff: number, except: string[] = [], tenant: TenantId = acme): LiveRevocation => ({ tenant, scope, cutoff: instant(cutoff), except, forgetAfter: later })
const absolute = (scope: Scope, tenant: LiveRevocation['tenant'] = acme): LiveRevocation => ({ tenant, scope, cutoff: null, except: [], forgetAfter: later })
const denylistOf = (...revocations: LiveRevocation[]) => {
  const denylist = new MapDenylist()
  for (const one of revocations) denylist.apply(one)
  return denylist
}
const alice: Scope = { kind: 'subject', issuer, sub: 'alice' }
const alices = (sessionId: string, beganAt: number) => facts({ issuer, sub: 'alice', sessionId }, beganAt)

describe('a cutoff (I3)', () => {
  test('kills what began at its very millisecond, and spares what began one later', () => {
    const denylist = denylistOf(wide(alice, 100))
    expect([denylist.verdictOn(alices('s', 100), now), denylist.verdictOn(alices('s', 101), now)]).toEqual(['revoked', 'allowed'])
  })

  test.each<[Scope, Hop]>([
    [{ kind: 'session', id: 's' }, { sessionId: 's' }],
    [{ kind: 'token', jti: 'j', issuer }, { jti: 'j', issuer }],
    [{ kind: 'key', kid: 'k', issuer }, { kid: 'k', issuer }],
  ])('of an absolute scope %j kills whatever a token says of its beginning', (scope, hop) => {
    expect(denylistOf(absolute(scope)).verdictOn(facts(hop, 1e11), now)).toBe('revoked')
  })

  test.each<[Scope, Hop]>([
    [alice, { issuer, sub: 'alice' }],
    [{ kind: 'subject', issuer: '*', sub: 'alice' }, { issuer: 'https://elsewhere.test', sub: 'alice' }],
    [{ kind: 'client', clientId: 'c' }, { clientId: 'c' }],
    [{ kind: 'device', deviceId: 'd' }, { deviceId: 'd' }],
    [{ kind: 'agent', agentId: 'a' }, { agentId: 'a' }],
    [{ kind: 'grant', grantId: 'g' }, { grantId: 'g' }],
    [{ kind: 'tenant' }, { sub: 'anyone' }],
  ])('of %j reaches a token whose second hop it names (I6), and no other tenant', (scope, hop) => {
    const denylist = denylistOf(wide(scope, 100))
    expect(denylist.verdictOn(facts(hop, 50), now)).toBe('revoked')
    expect(denylist.verdictOn(facts({ sub: 'bob', issuer, sessionId: 'own' }, 50, [hop]), now)).toBe('revoked')
    expect(denylist.verdictOn(facts(hop, 50, [], tenantId('other')), now)).toBe('allowed')
  })

  test('of a deployment-wide key holds in every tenant, and nothing but a key may be named so', () => {
    const denylist = denylistOf(absolute({ kind: 'key', kid: 'k', issuer }, '*'))
    expect(denylist.verdictOn(facts({ kid: 'k', issuer }, 50, [], tenantId('other')), now)).toBe('revoked')
    expect(() => denylistOf({ ...wide({ kind: 'tenant' }, 1), tenant: '*' })).toThrow(RangeError)
  })

  test('no choice of names makes two scopes one selector', () => {
    const denylist = denylistOf(wide({ kind: 'subject', issuer: 'a","b', sub: 'c' }, 100))
    expect(denylist.verdictOn(facts({ issuer: 'a', sub: 'b","c' }, 50), now)).toBe('allowed')
  })
})

// The naive model: remember every revocation, forget nothing, and ask each.
const naiveDead = (revocations: readonly LiveRevocation[], session: string, beganAt: number) =>
  revocations.some((one) => !one.except.includes(session) && beganAt <= (one.cutoff ?? Infinity))

const sessions = ['s1', 's2', 's3', 's4']
const revocationsOfAlice = fc.array(
  fc.record({ cutoff: fc.integer({ min: 0, max: 8 }), except: fc.uniqueArray(fc.constantFrom(...sessions), { maxLength: 3 }) })
    .map(({ cutoff, except }) => wide(alice, cutoff, except)), { minLength: 1, maxLength: 8 })

describe('merging (I1, I7)', () => {
  test('answers as the naive model for every session and beginning', () => {
    fc.assert(fc.property(revocationsOfAlice, (revocations) => {
      const denylist = denylistOf(...revocations)
      for (const session of [...sessions, 'unnamed'])
        for (let began = 0; began <= 9; began += 1)
          expect(denylist.verdictOn(alices(session, began), now)).toBe(naiveDead(revocations, session, began) ? 'revoked' : 'allowed')
    }), { numRuns: 2_000 })
  })

  test('gives structurally one result whatever the order, the duplicates and the split', () => {
    const shuffled = revocationsOfAlice.chain((original) =>
      fc.record({ original: fc.constant(original), again: fc.shuffledSubarray([...original, ...original], { minLength: original.length * 2 }), cut: fc.nat(original.length * 2) }))
    fc.assert(fc.property(shuffled, ({ original, again, cut }) => {
      const merged = denylistOf(...again.slice(0, cut))
      merged.merge(denylistOf(...again.slice(cut)))
      expect(merged.snapshot()).toEqual(denylistOf(...original).snapshot())
    }), { numRuns: 2_000 })
  })

  test('never revives a derived session, whichever members of its lineage were spared', () => {
    fc.assert(fc.property(revocationsOfAlice, fc.subarray(sessions, { minLength: 1 }), fc.nat(9), (revocations, lineage, began) => {
      const [own, ...parents] = lineage.map((sessionId) => ({ issuer, sub: 'alice', sessionId }))
      const trulyDead = revocations.some((one) => !lineage.some((id) => one.except.includes(id)) && began <= (one.cutoff ?? Infinity))
      if (trulyDead) expect(denylistOf(...revocations).verdictOn(facts(own!, began, parents), now)).toBe('revoked')
    }), { numRuns: 2_000 })
  })

  test('spares a session derived from a spared one', () => {
    const derived = facts({ issuer, sub: 'alice', sessionId: 'child' }, 50, [{ issuer, sub: 'alice', sessionId: 'parent' }])
    expect(denylistOf(wide(alice, 100, ['parent'])).verdictOn(derived, now)).toBe('allowed')
  })

  const agreesWithModel = (merge: (a: Entry, b: Entry) => Entry) => () => fc.assert(fc.property(revocationsOfAlice, (revocations) => {
    const entry = revocations.map((one) => entryOf(one.cutoff, one.except, one.forgetAfter)).reduce(merge)
    for (const session of sessions) for (let began = 0; began <= 9; began += 1)
      if ((began <= cutoffFor(entry, [session])) !== naiveDead(revocations, session, began)) throw new Error('disagrees')
  }), { numRuns: 2_000, seed: 7 })
  const higher = (a: Entry, b: Entry) => (b.cutoff > a.cutoff ? b : a)

  test('the right merge agrees with the model, and both merges once tried are refuted by it', () => {
    const keepListOfHigherCutoff = (a: Entry, b: Entry): Entry => ({ ...higher(a, b) })
    const intersectLists = (a: Entry, b: Entry): Entry => ({ ...higher(a, b), exceptions: new Map([...a.exceptions].filter(([id]) => b.exceptions.has(id))) })
    expect(agreesWithModel(mergeEntries)).not.toThrow()
    expect(agreesWithModel(keepListOfHigherCutoff)).toThrow(/Property failed/)
    expect(agreesWithModel(intersectLists)).toThrow(/Property failed/)
  })
})

describe('a quarantine (I1)', () => {
  const flag = (version: number, quarantined: boolean, until: number | null = null): QuarantineFlag =>
    ({ tenant: acme, agentId: 'a', version, quarantined, until: until === null ? null : instant(until), forgetAfter: later })
  const agents = facts({ agentId: 'a' }, 50)

  test('refuses while it holds, ends at its instant, and a late duplicate cannot bring it back after a release', () => {
    const denylist = new MapDenylist()
    denylist.applyQuarantine(flag(1, true, 1000))
    expect([denylist.verdictOn(agents, instant(999)), denylist.verdictOn(agents, instant(1000))]).toEqual(['revoked', 'allowed'])
    denylist.applyQuarantine(flag(2, false))
    denylist.applyQuarantine(flag(1, true, 1000))
    expect(denylist.verdictOn(agents, instant(999))).toBe('allowed')
  })
})

describe('forgetting (I8)', () => {
  const dying = { ...wide(alice, 100), forgetAfter: instant(1_000) }
  const past = instant(1_001 + forgetMarginMs)

  test.each([['the clock alone', past, instant(1_000)], ['the watermark alone', instant(1_000), past]])('%s is not enough: a clock that jumps forgets nothing', (_who, clock, mark) => {
    const denylist = denylistOf(dying)
    expect(denylist.forget(clock, mark)).toBe(0)
    expect(denylist.verdictOn(alices('s', 50), clock)).toBe('revoked')
  })

  test('drops an entry once both are past its instant and the margin, and not before', () => {
    const denylist = denylistOf(dying)
    expect([denylist.forget(instant(past - 1), past), denylist.forget(past, past), denylist.size]).toEqual([0, 1, 0])
  })

  test('a later revocation of the same scope keeps the entry for its own time', () => {
    const denylist = denylistOf(dying, { ...wide(alice, 50), forgetAfter: later })
    expect(denylist.forget(past, past)).toBe(0)
  })
})

test('a snapshot restores to the same denylist through JSON', () => {
  fc.assert(fc.property(revocationsOfAlice, (revocations) => {
    const denylist = denylistOf(...revocations, absolute({ kind: 'session', id: 'x' }))
    expect(MapDenylist.restore(JSON.parse(JSON.stringify(denylist.snapshot()))).snapshot()).toEqual(denylist.snapshot())
  }))
})
