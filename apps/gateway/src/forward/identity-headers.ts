import type { AccessTokenClaims } from '@curfew/tokens'

// Harmless in a header and common in names of people and clients; everything else that is not unreserved (RFC 3986) stays encoded.
const readable: Readonly<Record<string, string>> = { '%40': '@', '%3A': ':', '%2F': '/', '%2B': '+', '%3D': '=', '%7C': '|' }

/** A name as a header carries it: percent-encoded UTF-8, so that no name can end a header or pass for two. `decodeURIComponent` reads it back. */
export const headerText = (name: string): string => encodeURIComponent(name).replace(/%(?:40|3A|2F|2B|3D|7C)/g, (code) => readable[code] as string)

/**
 * What the upstream is told of the caller: `X-Curfew-Tenant`, `X-Curfew-Subject`, `X-Curfew-Subject-Issuer` (where the subject is not Curfew's
 * own), `X-Curfew-Session` (absent for client credentials), `X-Curfew-Client`, and where agents act, `X-Curfew-Agent-Chain`: the agents from the one
 * that calls inwards, separated by commas. Name, value, name, value.
 */
export function identityHeaders(claims: AccessTokenClaims): string[] {
  // Two tenants may each have an alice, and whoever issues sessions in one of them names her as he likes.
  const headers = ['x-curfew-tenant', headerText(claims.tenant), 'x-curfew-subject', headerText(claims.sub), 'x-curfew-client', headerText(claims.client_id)]
  // Two issuers may each have an alice; without this an upstream would take one for the other.
  if (claims.sub_iss !== undefined && claims.sub_iss !== claims.iss) headers.push('x-curfew-subject-issuer', headerText(claims.sub_iss))
  if (claims.sid !== undefined) headers.push('x-curfew-session', headerText(claims.sid))
  const chain = agentChain(claims)
  if (chain.length > 0) headers.push('x-curfew-agent-chain', chain.map(headerText).join(','))
  return headers
}

/** The agents a request passed through, outermost first; an actor that names no agent is called by its subject (RFC 8693 section 4.1). */
function agentChain({ agent_id, act }: AccessTokenClaims): string[] {
  const chain = agent_id === undefined ? [] : [agent_id]
  for (let actor = act; actor !== undefined; actor = actor.act) chain.push(actor.agent_id ?? actor.sub)
  return chain.filter((name, at) => name !== chain[at - 1])
}
