import { MapDenylist, type Denylist, type LiveRevocation, type Scope, type TokenFacts } from '@curfew/denylist'
import { instant, tenantId } from '@curfew/kernel'

export const acme = tenantId('acme')
const issuer = 'https://idp.example'
export const decidedAt = instant(1_795_500_000_000)
const forgetAfter = instant(1_795_500_000_000 + 86_400_000)

/** How much of a denylist each large kind is; the other kinds have a few entries each, so that all nine are live. */
export const shares = { session: 0.4, token: 0.2, subject: 0.3, grant: 0.1 } as const

const scopeOf = (i: number): Scope => {
  const tenth = i % 10
  if (tenth < 4) return { kind: 'session', id: `01KSESSION${i}` }
  if (tenth < 6) return { kind: 'token', jti: `01KTOKEN${i}`, issuer }
  if (tenth < 9) return { kind: 'subject', issuer, sub: `user-${i}` }
  return { kind: 'grant', grantId: `01KGRANT${i}` }
}

const revocation = (scope: Scope): LiveRevocation => {
  const isAbsolute = scope.kind === 'session' || scope.kind === 'token' || scope.kind === 'key'
  return { tenant: acme, scope, cutoff: isAbsolute ? null : decidedAt, except: [], forgetAfter }
}

/** The i-th revocation of the large kinds. */
export const revocationAt = (i: number): LiveRevocation => revocation(scopeOf(i))

/** A handful each of the small kinds. */
export function applySmallKinds(denylist: Denylist): void {
  for (let i = 0; i < 50; i += 1) {
    for (const scope of [{ kind: 'client', clientId: `dead-${i}` }, { kind: 'device', deviceId: `dead-${i}` }, { kind: 'agent', agentId: `dead-${i}` }, { kind: 'key', kid: `dead-${i}`, issuer }] as const) denylist.apply(revocation(scope))
  }
  denylist.apply({ ...revocation({ kind: 'tenant' }), tenant: tenantId('dead') })
}

/** A live token that names all nine scopes, and two of them twice (the subject of any issuer, the key of any tenant): eleven probes that all miss. */
export const liveToken = (i: number): TokenFacts => ({
  tenant: acme, beganAt: instant(decidedAt + 1_000), expiresAt: instant(decidedAt + 300_000),
  hops: [{ issuer, sub: `live-${i}`, sessionId: `live-s${i}`, clientId: `client-${i % 100}`, deviceId: `device-${i}`, agentId: `agent-${i % 5_000}`, grantId: `grant-${i}`, jti: `live-j${i}`, kid: `key-${i % 4}` }],
})

export function mapOf(entries: number): MapDenylist {
  const denylist = new MapDenylist()
  applySmallKinds(denylist)
  for (let i = 0; i < entries; i += 1) denylist.apply(revocationAt(i))
  return denylist
}
