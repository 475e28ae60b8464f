import { instant, tenantId, type TenantId } from '@curfew/kernel'
import fc from 'fast-check'
import { forgetMarginMs, MapDenylist, type Denylist, type Hop, type LiveRevocation, type QuarantineFlag, type Scope, type TokenFacts } from './index.js'

const acme = tenantId('acme')
const other = tenantId('other')
const issuer = 'https://curfew.test'
const later = instant(1e12)
const now = instant(500)
const past = instant(1_001 + forgetMarginMs)

const facts = (own: Hop, beganAt: number, more: Hop[] = [], tenant: TenantId = acme): TokenFacts => ({ tenant, hops: [own, ...more], beganAt: instant(beganAt), expiresAt: later })
const wide = (scope: Scope, cutoff: number, except: string[] = []): LiveRevocation => ({ tenant: acme, scope, cutoff: instant(cutoff), except, forgetAfter: later })
const absolute = (scope: Scope, tenant: LiveRevocation['tenant'] = acme): LiveRevocation => ({ tenant, scope, cutoff: null, except: [], forgetAfter: later })
const alice: Scope = { kind: 'subject', issuer, sub: 'alice' }
const alices = (sessionId: string, beganAt: number) => facts({ issuer, sub: 'alice', sessionId }, beganAt)

const scopes: readonly Scope[] = [
  alice, { kind: 'subject', issuer: '*', sub: 'alice' }, { kind: 'session', id: 's1' }, { kind: 'session', id: 's2' }, { kind: 'token', jti: 'j', issuer },
  { kind: 'client', clientId: 'c' }, { kind: 'device', deviceId: 'd' }, { kind: 'agent', agentId: 'a' }, { kind: 'grant', grantId: 'g' }, { kind: 'tenant' }, { kind: 'key', kid: 'k', issuer },
]
const isAbsolute = ({ kind }: Scope) => kind === 'session' || kind === 'token' || kind === 'key'
const sessions = ['s1', 's2', 's3']
// Cutoffs lie on both sides of 2^32 ms, where the halves of a cutoff change together.
const instants = fc.constantFrom(0, 1, 2, 3, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 1_795_500_000_000, 1_795_500_000_001)
const forgettings = fc.constantFrom(1_000, 2_000, 3_000).map((ms) => instant(ms))

type Operation = { readonly revocation: LiveRevocation } | { readonly flag: QuarantineFlag }
const revocations: fc.Arbitrary<Operation> = fc.record({ scope: fc.constantFrom(...scopes), cutoff: instants, except: fc.subarray(sessions), forgetAfter: forgettings })
  .map(({ scope, cutoff, except, forgetAfter }) => ({ revocation: { tenant: acme, scope, forgetAfter, cutoff: isAbsolute(scope) ? null : instant(cutoff), except: isAbsolute(scope) ? [] : except } }))
// A version decides the whole flag, as it does in the feed.
const flags: fc.Arbitrary<Operation> = fc.record({ agentId: fc.constantFrom('a', 'b'), version: fc.integer({ min: 1, max: 6 }) })
  .map(({ agentId, version }) => ({ flag: { tenant: acme, agentId, version, quarantined: version % 3 !== 0, until: version % 2 === 0 ? instant(version * 300) : null, forgetAfter: instant(1_000 + 500 * version) } }))
const histories = fc.array(fc.oneof({ weight: 5, arbitrary: revocations }, { weight: 1, arbitrary: flags }), { maxLength: 25 })
const tokens = fc.record({ own: fc.subarray(['sub', 'sessionId', 'clientId', 'deviceId', 'agentId', 'grantId', 'jti', 'kid'] as const), session: fc.constantFrom(...sessions), parent: fc.option(fc.constantFrom(...sessions)), began: instants })
  .map(({ own, session, parent, began }) => {
    const all = { sub: 'alice', sessionId: session, clientId: 'c', deviceId: 'd', agentId: 'a', grantId: 'g', jti: 'j', kid: 'k' }
    return facts({ issuer, ...Object.fromEntries(own.map((name) => [name, all[name]])) }, began, parent === null ? [] : [{ sessionId: parent, agentId: 'b' }])
  })

export interface DenylistSubject<D extends Denylist> {
  create(): D
  /** Takes in all of `from`, as a snapshot is taken in; `into` may know something already. */
  merge(into: D, from: D): void
}

/** What every shape of the denylist is held to; the model passes too, so that no rule here is one shape's habit. */
export function denylistContract<D extends Denylist>(name: string, { create, merge }: DenylistSubject<D>): void {
  const perform = (denylist: Denylist, operations: readonly Operation[]) => {
    for (const one of operations) if ('revocation' in one) denylist.apply(one.revocation)
    else denylist.applyQuarantine(one.flag)
  }
  const denylistOf = (...revocationsOf: LiveRevocation[]): D => {
    const denylist = create()
    for (const one of revocationsOf) denylist.apply(one)
    return denylist
  }

  describe(`${name} as a denylist`, () => {
    test('kills what began at the very millisecond of a cutoff, and spares what began one later (I3)', () => {
      const denylist = denylistOf(wide(alice, 100))
      expect([denylist.verdictOn(alices('s', 100), now), denylist.verdictOn(alices('s', 101), now)]).toEqual(['revoked', 'allowed'])
    })

    test.each<[Scope, Hop]>([
      [{ kind: 'session', id: 's' }, { sessionId: 's' }], [{ kind: 'token', jti: 'j', issuer }, { jti: 'j', issuer }], [{ kind: 'key', kid: 'k', issuer }, { kid: 'k', issuer }],
    ])('an absolute scope %j kills whatever a token says of its beginning', (scope, hop) => {
      expect(denylistOf(absolute(scope)).verdictOn(facts(hop, 1e11), now)).toBe('revoked')
    })

    test.each<[Scope, Hop]>([
      [alice, { issuer, sub: 'alice' }], [{ kind: 'subject', issuer: '*', sub: 'alice' }, { issuer: 'https://elsewhere.test', sub: 'alice' }],
      [{ kind: 'client', clientId: 'c' }, { clientId: 'c' }], [{ kind: 'device', deviceId: 'd' }, { deviceId: 'd' }], [{ kind: 'agent', agentId: 'a' }, { agentId: 'a' }],
      [{ kind: 'grant', grantId: 'g' }, { grantId: 'g' }], [{ kind: 'tenant' }, { sub: 'anyone' }],
    ])('%j reaches a token whose second hop it names (I6), and no other tenant', (scope, hop) => {
      const denylist = denylistOf(wide(scope, 100))
      expect(denylist.verdictOn(facts(hop, 50), now)).toBe('revoked')
      expect(denylist.verdictOn(facts({ sub: 'bob', issuer, sessionId: 'own' }, 50, [hop]), now)).toBe('revoked')
      expect(denylist.verdictOn(facts(hop, 50, [], other), now)).toBe('allowed')
    })

    test('a deployment-wide key is dead in every tenant, and nothing but a key may be named so', () => {
      const denylist = denylistOf(absolute({ kind: 'key', kid: 'k', issuer }, '*'))
      expect(denylist.verdictOn(facts({ kid: 'k', issuer }, 50, [], other), now)).toBe('revoked')
      expect(() => denylistOf({ ...wide({ kind: 'tenant' }, 1), tenant: '*' })).toThrow(RangeError)
      expect(() => denylistOf({ ...wide(alice, 1), cutoff: null })).toThrow(RangeError)
    })

    test('a session is spared with those derived from it, and by no list that did not name it (I7)', () => {
      const derived = facts({ issuer, sub: 'alice', sessionId: 'child' }, 50, [{ issuer, sub: 'alice', sessionId: 'parent' }])
      const denylist = denylistOf(wide(alice, 100, ['parent']))
      expect([denylist.verdictOn(derived, now), denylist.verdictOn(alices('stranger', 50), now)]).toEqual(['allowed', 'revoked'])
      denylist.apply(wide(alice, 60))
      expect([denylist.verdictOn(derived, now), denylist.verdictOn(alices('parent', 61), now)]).toEqual(['revoked', 'allowed'])
    })

    test('a quarantine holds until its end, and a late duplicate cannot bring it back after a release', () => {
      const flag = (version: number, quarantined: boolean): QuarantineFlag => ({ tenant: acme, agentId: 'a', version, quarantined, until: instant(1_000), forgetAfter: later })
      const held = facts({ agentId: 'a' }, 50)
      const denylist = create()
      denylist.applyQuarantine(flag(1, true))
      expect([999, 1_000, 999].map((at) => denylist.verdictOn(held, instant(at)))).toEqual(['revoked', 'allowed', 'revoked'])
      denylist.applyQuarantine(flag(2 ** 51, false))
      denylist.applyQuarantine(flag(1, true))
      expect(denylist.verdictOn(held, instant(999))).toBe('allowed')
    })

    test('neither the clock nor the watermark alone makes it forget (I8)', () => {
      const dying = { ...wide(alice, 100), forgetAfter: instant(1_000) }
      for (const [clock, mark] of [[past, instant(1_000)], [instant(1_000), past], [instant(past - 1), past]] as const) {
        const denylist = denylistOf(dying)
        expect([denylist.forget(clock, mark), denylist.verdictOn(alices('s', 50), clock)]).toEqual([0, 'revoked'])
      }
      const denylist = denylistOf(dying)
      expect([denylist.forget(past, past), denylist.size, denylist.verdictOn(alices('s', 50), past)]).toEqual([1, 0, 'allowed'])
    })

    test('a later revocation of the same scope keeps an entry for its own time', () => {
      expect(denylistOf({ ...wide(alice, 100), forgetAfter: instant(1_000) }, { ...wide(alice, 50), forgetAfter: later }).forget(past, past)).toBe(0)
    })

    test('the version moves whenever an answer changes', () => {
      const denylist = create()
      const versions = [denylist.version]
      for (const change of [() => denylist.apply(wide(alice, 100)), () => denylist.apply(wide(alice, 200, ['s'])), () => denylist.apply(absolute({ kind: 'session', id: 's' })),
        () => denylist.applyQuarantine({ tenant: acme, agentId: 'a', version: 1, quarantined: true, until: null, forgetAfter: later })]) {
        change()
        versions.push(denylist.version)
      }
      expect(new Set(versions).size).toBe(versions.length)
    })

    const answers = (denylist: Denylist, asked: readonly TokenFacts[]) => asked.flatMap((token) => [500, 700, 1_300].map((at) => denylist.verdictOn(token, instant(at))))
    const model = (operations: readonly Operation[]) => {
      const map = new MapDenylist()
      perform(map, operations)
      return map
    }

    test('answers as the model does after any history', () => {
      fc.assert(fc.property(histories, fc.array(tokens, { minLength: 1, maxLength: 20 }), (history, asked) => {
        const denylist = create()
        perform(denylist, history)
        expect(denylist.size).toBe(model(history).size)
        expect(answers(denylist, asked)).toEqual(answers(model(history), asked))
      }), { numRuns: 600 })
    })

    test('answers the same whatever the order, the duplicates and the split into snapshots that are merged (I1)', () => {
      const shuffled = histories.chain((history) => fc.record({
        history: fc.constant(history), again: fc.shuffledSubarray([...history, ...history], { minLength: history.length * 2 }), cuts: fc.tuple(fc.nat(history.length * 2), fc.nat(history.length * 2)),
      }))
      fc.assert(fc.property(shuffled, fc.array(tokens, { minLength: 1, maxLength: 20 }), ({ history, again, cuts }, asked) => {
        const [first, second] = [...cuts].sort((a, b) => a - b) as [number, number]
        const parts = [again.slice(0, first), again.slice(first, second), again.slice(second)].map((part) => {
          const denylist = create()
          perform(denylist, part)
          return denylist
        }) as [D, D, D]
        merge(parts[1], parts[2])
        merge(parts[0], parts[1])
        expect(parts[0].size).toBe(model(history).size)
        expect(answers(parts[0], asked)).toEqual(answers(model(history), asked))
      }), { numRuns: 400 })
    })

    test('forgets what the model forgets, and still agrees when some of it comes again', () => {
      const clocks = fc.constantFrom(500, 1_001, 1_500, 2_001, 3_001, 5_000).map((ms) => instant(ms + forgetMarginMs))
      fc.assert(fc.property(histories, clocks, clocks, histories, fc.array(tokens, { minLength: 1, maxLength: 10 }), (before, clock, mark, afterwards, asked) => {
        const denylist = create()
        perform(denylist, before)
        const map = model(before)
        expect(denylist.forget(clock, mark)).toBe(map.forget(clock, mark))
        perform(denylist, afterwards)
        perform(map, afterwards)
        expect(denylist.size).toBe(map.size)
        expect(answers(denylist, asked)).toEqual(answers(map, asked))
      }), { numRuns: 400 })
    })
  })
}
