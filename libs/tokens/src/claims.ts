import { identifier, tenantText } from '@curfew/contracts'
import type { Hop, TokenFacts } from '@curfew/denylist'
import { instant, type TenantId } from '@curfew/kernel'
import { z } from 'zod'

/** Actors in one `act` chain. Real delegations are two or three deep; eight leaves room and keeps a decision's cost bounded. */
export const maxActors = 8
/** Sessions one session may have been derived from, for the same reason. */
export const maxParents = 16

const name = identifier(512)
// Year 9999: past it no date prints, and nothing here is meant to live as long.
const lastSecond = 253_402_300_799
const seconds = z.number().int().min(0).max(lastSecond)
const milliseconds = z.number().int().min(0).max(lastSecond * 1000)
const list = z.array(name).min(1).max(16)

/** RFC 8693 section 4.1: who acts, and for whom that one acted in turn. */
export interface ActClaim {
  readonly sub: string
  /** Of its own token, and of `kid`. */
  readonly iss?: string
  /** Whose subject `sub` is, where it is not that issuer's. */
  readonly sub_iss?: string
  readonly client_id?: string
  readonly device_id?: string
  readonly agent_id?: string
  readonly grant_id?: string
  readonly sid?: string
  /** The key that signed the actor's own token: whoever stole it must not live on in what was exchanged for it (I6). */
  readonly kid?: string
  readonly act?: ActClaim
}

const actor = (depth: number): z.ZodType<ActClaim> => z.object({
  sub: name, iss: name.optional(), sub_iss: name.optional(), client_id: name.optional(), device_id: name.optional(), agent_id: name.optional(),
  grant_id: name.optional(), sid: name.optional(), kid: name.optional(),
  act: (depth === 1 ? z.never() : actor(depth - 1)).optional(),
})

const parent = z.object({
  iss: name.optional(), sub: name.optional(), sub_iss: name.optional(), sid: name.optional(), client_id: name.optional(),
  device_id: name.optional(), agent_id: name.optional(), grant_id: name.optional(), kid: name.optional(),
})

/** The payload of an access token: RFC 9068, plus what revocation needs. `sid` is absent for client credentials. */
export const accessTokenClaims = z.object({
  iss: name, aud: z.union([name, list]), sub: name, client_id: name, jti: name, iat: seconds, exp: seconds, nbf: seconds.optional(),
  auth_time: seconds.optional(), scope: z.string().max(512).optional(), acr: name.optional(), amr: list.optional(),
  tenant: tenantText, began_at: milliseconds, kind: z.enum(['person', 'agent', 'service']),
  sid: name.optional(), device_id: name.optional(), agent_id: name.optional(), grant_id: name.optional(),
  /** Whose subject `sub` is, where it is not the token's own issuer's: two people may have one name at two issuers. */
  sub_iss: name.optional(),
  hops: z.array(parent).max(maxParents).optional(), act: actor(maxActors).optional(),
  // RFC 9449 section 7.2: a sender-constrained token is never a bearer token, and its proof is not looked at here.
  cnf: z.never().optional(),
})
export type AccessTokenClaims = z.infer<typeof accessTokenClaims>

/**
 * The facts of a token whose signature, made with `kid`, was already verified: the token itself, its actors from the outermost inwards, then
 * the sessions it was derived from (I6). A hop without an issuer has the token's. A subject is named under its own issuer and no other: where that
 * is not the hop's, which names the key and the token's id, the subject is a hop of its own right behind it.
 */
export function factsOf(claims: AccessTokenClaims, kid: string): TokenFacts {
  const { iss, jti, act, hops = [] } = claims
  const [own, ...others] = hopsOf({ ...claims, kid }, iss)
  return {
    tenant: claims.tenant as TenantId, hops: [{ ...own, jti }, ...others, ...actorsOf(act).flatMap((each) => hopsOf(each, iss)), ...hops.flatMap((each) => hopsOf(each, iss))],
    beganAt: instant(claims.began_at), expiresAt: instant(claims.exp * 1000),
  }
}

function actorsOf(outermost: ActClaim | undefined): ActClaim[] {
  const actors: ActClaim[] = []
  for (let each = outermost; each !== undefined; each = each.act) actors.push(each)
  return actors
}

type HopClaims = Partial<Omit<ActClaim, 'act'>>

function hopsOf({ iss, sub, sub_iss, sid, client_id, device_id, agent_id, grant_id, kid }: HopClaims, tokenIssuer: string): [Hop, ...Hop[]] {
  const issuer = iss ?? tokenIssuer
  const named: Hop = { issuer, sessionId: sid, clientId: client_id, deviceId: device_id, agentId: agent_id, grantId: grant_id, kid }
  if (sub === undefined || sub_iss === undefined || sub_iss === issuer) return [{ ...named, sub }]
  return [named, { issuer: sub_iss, sub }]
}
