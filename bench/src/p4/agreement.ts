import { forgetMarginMs, MapDenylist, SharedDenylist, type Hop, type LiveRevocation, type Scope, type TokenFacts } from '@curfew/denylist'
import { instant, tenantId } from '@curfew/kernel'

const acme = tenantId('acme')
const issuer = 'https://idp.example'
const names = 60_000
/** Two decisions apart by more than the 2^32 ms at which the halves of a cutoff change together. */
const instants = [1, 1_000, 2 ** 32 - 1, 2 ** 32, 1_795_500_000_000, 1_795_500_000_001]

/** The same operations for the same seed, so that a disagreement can be looked at again. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/**
 * Gives one history of so many random operations to the shared denylist and to the model, forgets in both as it goes, moves the shared one through a
 * snapshot now and then, and throws at the first verdict on which they differ. Says how many verdicts were compared.
 */
export function agree(operations: number, seed: number): number {
  const below = randomFrom(seed)
  const key = new Uint8Array(16).fill(seed)
  const model = new MapDenylist()
  let shared = new SharedDenylist({ key })
  let compared = 0
  for (let i = 0; i < operations; i += 1) {
    const revocation = anyRevocation(below, i / operations)
    model.apply(revocation)
    shared.apply(revocation)
    if (below(20) === 0) {
      const flag = { tenant: acme, agentId: `n${below(300)}`, version: i + 1, quarantined: below(3) > 0, until: below(2) === 0 ? null : instant(below(2_000)), forgetAfter: instant(below(1_000) * 1_000) }
      model.applyQuarantine(flag)
      shared.applyQuarantine(flag)
    }
    const now = instant(below(2_000))
    const facts = anyToken(below)
    compared += 1
    if (model.verdictOn(facts, now) !== shared.verdictOn(facts, now)) throw new Error(`seed ${seed}, operation ${i}: the verdicts on ${JSON.stringify(facts)} differ`)
    if (i % 100_000 !== 99_999) continue
    const past = instant((i / operations) * 1_000_000 + forgetMarginMs)
    if (model.forget(past, past) !== shared.forget(past, past) || model.size !== shared.size) throw new Error(`seed ${seed}, operation ${i}: they forgot differently`)
    shared = throughSnapshot(shared, key)
  }
  return compared
}

function anyScope(below: (limit: number) => number): Scope {
  const name = `n${below(names)}`
  const few = `n${below(300)}`
  const scopes: readonly Scope[] = [
    { kind: 'session', id: name }, { kind: 'token', jti: name, issuer }, { kind: 'subject', issuer, sub: name }, { kind: 'subject', issuer: '*', sub: few }, { kind: 'client', clientId: few },
    { kind: 'device', deviceId: name }, { kind: 'agent', agentId: few }, { kind: 'grant', grantId: name }, { kind: 'key', kid: few, issuer },
  ]
  return scopes[below(scopes.length)]!
}

function anyRevocation(below: (limit: number) => number, progress: number): LiveRevocation {
  const scope = anyScope(below)
  const isAbsolute = scope.kind === 'session' || scope.kind === 'token' || scope.kind === 'key'
  const except = isAbsolute || below(3) > 0 ? [] : Array.from({ length: below(4) }, () => `n${below(8)}`)
  const cutoff = isAbsolute ? null : instant(instants[below(instants.length)]!)
  // Whole seconds, as the shared one keeps them; each lives for about a fifth of the run.
  return { tenant: acme, scope, cutoff, except, forgetAfter: instant(Math.floor(progress * 1_000 + below(200)) * 1_000) }
}

function anyToken(below: (limit: number) => number): TokenFacts {
  const hop = (): Hop => ({
    issuer, sub: `n${below(names)}`, sessionId: `n${below(4) === 0 ? below(names) : below(8)}`, clientId: `n${100 + below(10_000)}`, deviceId: `n${below(names)}`, agentId: `n${below(5_000)}`,
    grantId: `n${below(names)}`, jti: `n${below(names)}`, kid: `n${below(10_000)}`,
  })
  return { tenant: acme, hops: below(3) === 0 ? [hop(), hop()] : [hop()], beganAt: instant(instants[below(instants.length)]! + below(2)), expiresAt: instant(1e14) }
}

function throughSnapshot(from: SharedDenylist, key: Uint8Array): SharedDenylist {
  const into = new SharedDenylist({ key })
  const loader = into.loader()
  for (const chunk of from.encode({ topicId: 'bench', offsets: [1n] })) loader.push(chunk)
  loader.finish()
  return into
}
