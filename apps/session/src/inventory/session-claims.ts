import { selectorsOf, type TokenFacts } from '@curfew/denylist'
import type { Instant } from '@curfew/kernel'
import { factsOf, type AccessTokenClaims } from '@curfew/tokens'
import type { InventoriedSession, ParentHop } from './inventoried-session.js'

/** Who mints, for whom, and for how long. */
export interface TokenTerms {
  readonly issuer: string
  readonly audience: string
  readonly lifetimeSeconds: number
}

const inSeconds = (at: Instant): number => Math.floor(at / 1000)

/** The claims of an access token of this session, minted at `now`. It ends no later than the session does. */
export function claimsOf(session: InventoriedSession, terms: TokenTerms, now: Instant, jti: string): AccessTokenClaims {
  const iat = inSeconds(now)
  return {
    iss: terms.issuer, aud: terms.audience, sub: session.subject.sub, client_id: session.clientId, jti, iat,
    exp: Math.min(iat + terms.lifetimeSeconds, inSeconds(session.expiresAt)), auth_time: inSeconds(session.authenticatedAt),
    ...(session.subject.issuer !== terms.issuer && { sub_iss: session.subject.issuer }), tenant: session.tenant, began_at: session.beganAt, kind: session.kind, sid: session.id,
    ...(session.authMethods.length > 0 && { amr: [...session.authMethods] }),
    ...(session.device !== null && { device_id: session.device.id }),
    ...(session.agentId !== null && { agent_id: session.agentId }),
    ...(session.grantId !== null && { grant_id: session.grantId }),
    ...(session.hops.length > 0 && { hops: [...session.hops] }),
  }
}

/**
 * What any token of this session will be judged by. It is read from the claims themselves, so the inventory and the gateways cannot
 * disagree. The signing key is left out: it changes while the session goes on.
 */
export function sessionFacts(session: InventoriedSession, issuer: string): TokenFacts {
  const { hops: [own, ...others], ...facts } = factsOf(claimsOf(session, { issuer, audience: issuer, lifetimeSeconds: 0 }, session.beganAt, session.id), '')
  return { ...facts, expiresAt: session.expiresAt, hops: [{ ...own, jti: undefined, kid: undefined }, ...others] }
}

/** A session and those it was derived from: naming any of them in `except` spares it (I7). */
export const lineageOf = ({ id, hops }: Pick<InventoriedSession, 'id' | 'hops'>): string[] =>
  [id, ...hops.flatMap(({ sid }) => (sid === undefined ? [] : [sid]))]

/** The hops of a session derived from `parent`: the parent itself, then whatever that one rests on. */
export function hopsBelow(parent: InventoriedSession): ParentHop[] {
  const { subject, id, clientId, device, agentId, grantId } = parent
  const own: ParentHop = {
    iss: subject.issuer, sub: subject.sub, sid: id, client_id: clientId,
    ...(device !== null && { device_id: device.id }), ...(agentId !== null && { agent_id: agentId }), ...(grantId !== null && { grant_id: grantId }),
  }
  return [own, ...parent.hops]
}

/** The selectors that could end a session beyond those its own columns answer: what it inherits from parents. */
export function inheritedSelectors(session: InventoriedSession, issuer: string): string[] {
  const facts = sessionFacts(session, issuer)
  const { subject } = session
  const own = selectorsOf({ ...facts, hops: [{ ...facts.hops[0], ...subject }] })
  const inOwnColumns = new Set(own)
  return selectorsOf(facts).filter((selector) => !inOwnColumns.has(selector))
}
