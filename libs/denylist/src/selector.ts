import type { TenantId } from '@curfew/kernel'
import type { Hop, TokenFacts } from './facts.js'
import type { Scope } from './scope.js'

/** Stands for every tenant, and only a deployment-wide signing key may be named so (PROTOCOL section 1). */
export const everyTenant = '*'
export type SelectorTenant = TenantId | typeof everyTenant

// JSON of an array is injective: no choice of names can make two scopes one selector.
const selector = (tenant: string, kind: Scope['kind'], ...names: string[]): string => JSON.stringify([tenant, kind, ...names])

/** One text for one scope of one tenant; two different scopes never share it. */
export function selectorOf(tenant: SelectorTenant, scope: Scope): string {
  switch (scope.kind) {
    case 'session': return selector(tenant, 'session', scope.id)
    case 'token': return selector(tenant, 'token', scope.issuer, scope.jti)
    case 'subject': return selector(tenant, 'subject', scope.issuer, scope.sub)
    case 'client': return selector(tenant, 'client', scope.clientId)
    case 'device': return selector(tenant, 'device', scope.deviceId)
    case 'agent': return selector(tenant, 'agent', scope.agentId)
    case 'grant': return selector(tenant, 'grant', scope.grantId)
    case 'tenant': return selector(tenant, 'tenant')
    case 'key': return selector(tenant, 'key', scope.issuer, scope.kid)
  }
}

function selectorsOfHop(tenant: TenantId, hop: Hop): string[] {
  const found: string[] = []
  const { issuer } = hop
  if (hop.sessionId !== undefined) found.push(selector(tenant, 'session', hop.sessionId))
  if (hop.clientId !== undefined) found.push(selector(tenant, 'client', hop.clientId))
  if (hop.deviceId !== undefined) found.push(selector(tenant, 'device', hop.deviceId))
  if (hop.agentId !== undefined) found.push(selector(tenant, 'agent', hop.agentId))
  if (hop.grantId !== undefined) found.push(selector(tenant, 'grant', hop.grantId))
  if (hop.sub !== undefined) found.push(selector(tenant, 'subject', '*', hop.sub))
  if (issuer === undefined) return found
  if (hop.sub !== undefined) found.push(selector(tenant, 'subject', issuer, hop.sub))
  if (hop.jti !== undefined) found.push(selector(tenant, 'token', issuer, hop.jti))
  if (hop.kid !== undefined) found.push(selector(tenant, 'key', issuer, hop.kid), selector(everyTenant, 'key', issuer, hop.kid))
  return found
}

/** Every selector that could kill a token with these facts: each named member of every hop (I6), and its tenant. */
export function selectorsOf(facts: TokenFacts): string[] {
  const { tenant } = facts
  return [...new Set([selector(tenant, 'tenant'), ...facts.hops.flatMap((hop) => selectorsOfHop(tenant, hop))])]
}
