import type { TenantId } from '@curfew/kernel'
import type { Hop, TokenFacts } from './facts.js'
import type { Scope, ScopeKind } from './scope.js'

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

/** A selector beside its kind, for those who keep a table a kind. */
export interface NamedSelector {
  readonly kind: ScopeKind
  readonly text: string
  /** `*` where the selector is of any issuer. */
  readonly issuer?: string
}

function namedByHop(tenant: TenantId, hop: Hop): NamedSelector[] {
  const found: NamedSelector[] = []
  const name = (kind: ScopeKind, ...names: string[]) => found.push({ kind, text: selector(tenant, kind, ...names) })
  const { issuer } = hop
  if (hop.sessionId !== undefined) name('session', hop.sessionId)
  if (hop.clientId !== undefined) name('client', hop.clientId)
  if (hop.deviceId !== undefined) name('device', hop.deviceId)
  if (hop.agentId !== undefined) name('agent', hop.agentId)
  if (hop.grantId !== undefined) name('grant', hop.grantId)
  if (hop.sub !== undefined) found.push({ kind: 'subject', issuer: '*', text: selector(tenant, 'subject', '*', hop.sub) })
  if (issuer === undefined) return found
  if (hop.sub !== undefined) name('subject', issuer, hop.sub)
  if (hop.jti !== undefined) name('token', issuer, hop.jti)
  if (hop.kid !== undefined) {
    name('key', issuer, hop.kid)
    found.push({ kind: 'key', text: selector(everyTenant, 'key', issuer, hop.kid) })
  }
  return found
}

/** Every selector that could kill a token with these facts, each once: each named member of every hop (I6), and its tenant. */
export function namedSelectorsOf(facts: TokenFacts): NamedSelector[] {
  const named: NamedSelector[] = [{ kind: 'tenant', text: selector(facts.tenant, 'tenant') }]
  const seen = new Set<string>()
  for (const hop of facts.hops) {
    for (const one of namedByHop(facts.tenant, hop)) {
      if (seen.has(one.text)) continue
      seen.add(one.text)
      named.push(one)
    }
  }
  return named
}

/** The same as texts alone. */
export const selectorsOf = (facts: TokenFacts): string[] => namedSelectorsOf(facts).map(({ text }) => text)
