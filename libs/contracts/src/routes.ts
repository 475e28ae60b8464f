import { z } from 'zod'
import type { AccessScope } from './access.js'
import { auditEvent, auditFilter } from './audit.js'
import { signal, signalFilter, signalSubmission } from './lifecycle.js'
import { denylistSnapshot, feedTerms, gateway, gatewayLease, gatewayRegistration, revocation, revocationFilter, revocationRequest, revocationWait } from './revocation.js'
import { client, clientRequest, issuedSession, issuer, issuerRequest, jwks, session, sessionFilter, sessionRequest, tokenResponse } from './session.js'

/** One HTTP route of the outer contract: what it takes and answers. OpenAPI is generated from these, and a test holds the mounted routes against them. */
export interface RouteSpec {
  readonly service: 'session' | 'revocation' | 'lifecycle' | 'audit'
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `{name}` for path parameters. */
  readonly path: string
  readonly summary: string
  /** Absent where no credentials are asked for, or the standard has its own. */
  readonly scope?: AccessScope
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** The fields of an `application/x-www-form-urlencoded` body, where a standard prescribes one. */
  readonly form?: z.ZodType
  readonly answers: Readonly<Record<number, z.ZodType | null>>
}

const listOf = (item: z.ZodType) => z.object({ items: z.array(item), nextCursor: z.string().nullable() })
const limitAndCursor = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional() })
/** RFC 6749 section 4.4.2; the client's id and secret may come by HTTP Basic instead. */
const tokenForm = z.object({ grant_type: z.literal('client_credentials'), client_id: z.string().optional(), client_secret: z.string().optional(), scope: z.string().optional() })
const accepted = z.object({ items: z.array(z.object({ id: z.string(), state: z.string() })) })

export const routes: readonly RouteSpec[] = [
  { service: 'session', method: 'POST', path: '/v1/sessions', scope: 'sessions:issue', summary: 'Issue a session for an authenticated subject.', body: sessionRequest, answers: { 201: issuedSession } },
  { service: 'session', method: 'GET', path: '/v1/sessions', scope: 'sessions:read', summary: 'List sessions, newest first.', query: sessionFilter, answers: { 200: listOf(session) } },
  { service: 'session', method: 'GET', path: '/v1/sessions/{id}', scope: 'sessions:read', summary: 'Show one session; ended ones stay readable.', answers: { 200: session } },
  { service: 'session', method: 'PUT', path: '/v1/clients/{clientId}', scope: 'admin', summary: 'Create or change an OAuth client; its secret is shown once.', body: clientRequest, answers: { 200: client, 201: client } },
  { service: 'session', method: 'GET', path: '/v1/clients/{clientId}', scope: 'admin', summary: 'Show a client, without its secret.', answers: { 200: client } },
  { service: 'session', method: 'DELETE', path: '/v1/clients/{clientId}', scope: 'admin', summary: 'Delete a client.', answers: { 204: null } },
  { service: 'session', method: 'PUT', path: '/v1/issuers/{id}', scope: 'admin', summary: 'Trust an issuer, or change how.', body: issuerRequest, answers: { 200: issuer, 201: issuer } },
  { service: 'session', method: 'GET', path: '/v1/issuers/{id}', scope: 'admin', summary: 'Show a trusted issuer.', answers: { 200: issuer } },
  { service: 'session', method: 'POST', path: '/oauth2/token', summary: 'OAuth 2.0 token endpoint (RFC 6749): client_credentials.', form: tokenForm, answers: { 200: tokenResponse } },
  { service: 'session', method: 'GET', path: '/.well-known/jwks.json', summary: 'Public signing keys (RFC 7517).', answers: { 200: jwks } },

  { service: 'revocation', method: 'POST', path: '/v1/revocations', scope: 'revocations:write', summary: 'End a scope at every gateway.', query: revocationWait, body: revocationRequest, answers: { 201: revocation, 202: revocation } },
  { service: 'revocation', method: 'GET', path: '/v1/revocations', scope: 'revocations:read', summary: 'List revocations, newest first.', query: revocationFilter, answers: { 200: listOf(revocation) } },
  { service: 'revocation', method: 'GET', path: '/v1/revocations/{id}', scope: 'revocations:read', summary: 'Show one revocation and how far it has come.', answers: { 200: revocation } },
  { service: 'revocation', method: 'PUT', path: '/v1/gateways/{id}', scope: 'gateway', summary: 'Register a gateway or renew its lease.', body: gatewayRegistration, answers: { 200: gatewayLease, 201: gatewayLease } },
  { service: 'revocation', method: 'DELETE', path: '/v1/gateways/{id}', scope: 'gateway', summary: 'A gateway leaves the fleet.', answers: { 204: null } },
  { service: 'revocation', method: 'GET', path: '/v1/gateways', scope: 'fleet:read', summary: 'The fleet.', query: limitAndCursor, answers: { 200: listOf(gateway) } },
  { service: 'revocation', method: 'GET', path: '/v1/gateways/{id}', scope: 'fleet:read', summary: 'One gateway.', answers: { 200: gateway } },
  { service: 'revocation', method: 'GET', path: '/v1/denylist/terms', summary: 'The feed\'s topic, public keys and the primary\'s clock.', answers: { 200: feedTerms } },
  { service: 'revocation', method: 'GET', path: '/v1/denylist/snapshot', scope: 'gateway', summary: 'The merged denylist and the positions it covers, signed.', answers: { 200: denylistSnapshot } },

  { service: 'lifecycle', method: 'POST', path: '/v1/lifecycle-signals', scope: 'lifecycle:publish', summary: 'Submit one lifecycle signal or a batch, as CloudEvents.', body: signalSubmission, answers: { 202: accepted } },
  { service: 'lifecycle', method: 'GET', path: '/v1/lifecycle-signals', scope: 'audit:read', summary: 'List received signals, newest first.', query: signalFilter, answers: { 200: listOf(signal) } },
  { service: 'lifecycle', method: 'GET', path: '/v1/lifecycle-signals/{id}', scope: 'audit:read', summary: 'Show one signal, verbatim, with what it ended.', answers: { 200: signal } },

  { service: 'audit', method: 'GET', path: '/v1/audit/events', scope: 'audit:read', summary: 'Search the audit trail.', query: auditFilter, answers: { 200: listOf(auditEvent) } },
  { service: 'audit', method: 'GET', path: '/v1/audit/events/{id}', scope: 'audit:read', summary: 'Show one audit event.', answers: { 200: auditEvent } },
]
