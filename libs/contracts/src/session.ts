import { z } from 'zod'
import { identifier, initiator, instantText, normalInstant, resolvedSubject, subjectRef, tenantText, text, uuid } from './scalars.js'

export const sessionKinds = ['person', 'agent', 'service'] as const
const device = z.strictObject({ id: identifier(), name: text(256).optional() })
const ipAddress = z.union([z.ipv4(), z.ipv6()])
const authMethods = z.array(identifier(64)).max(16)

/** Body of `POST /v1/sessions`. */
export const sessionRequest = z.strictObject({
  subject: subjectRef, clientId: identifier(), kind: z.enum(sessionKinds).optional(), device: device.optional(),
  userAgent: text(1024).optional(), ipAddress: ipAddress.optional(), authMethods: authMethods.optional(),
  authenticatedAt: instantText.transform(normalInstant).optional(), agentId: identifier().optional(), grantId: identifier().optional(),
  parentSessionId: uuid.optional(),
})
export type SessionRequest = z.infer<typeof sessionRequest>

export const session = z.object({
  id: uuid, tenant: tenantText, kind: z.enum(sessionKinds), subject: resolvedSubject, clientId: identifier(), device: device.nullable(),
  userAgent: z.string().nullable(), ipAddress: z.string().nullable(), authMethods: z.array(z.string()), agentId: z.string().nullable(),
  grantId: z.string().nullable(), parentSessionId: z.string().nullable(), beganAt: instantText, lastActiveAt: instantText,
  expiresAt: instantText, status: z.enum(['active', 'ended']), endedAt: instantText.optional(), reason: z.string().optional(),
  endedBy: initiator.optional(), revocationId: z.string().optional(),
})
export type Session = z.infer<typeof session>

/** Answer of `POST /v1/sessions`. */
export const issuedSession = z.object({
  session, accessToken: z.string(), refreshToken: z.string(), tokenType: z.literal('Bearer'), expiresIn: z.number().int(),
})
export type IssuedSession = z.infer<typeof issuedSession>

/** Query of `GET /v1/sessions`. A `sub` without `issuer` is one of `CURFEW_ISSUER`, as everywhere; `issuer=*` is any. */
export const sessionFilter = z.strictObject({
  sub: identifier(512).optional(), issuer: identifier(512).optional().describe('Omitted beside `sub`: `CURFEW_ISSUER`. `*`: any issuer.'),
  clientId: identifier().optional(), deviceId: identifier().optional(), agentId: identifier().optional(), grantId: identifier().optional(),
  kind: z.enum(sessionKinds).optional(), status: z.enum(['active', 'ended']).optional(), ipAddress: ipAddress.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional(),
})
export type SessionFilter = z.infer<typeof sessionFilter>

/** Data of `curfew.session.started` and `curfew.session.ended`. Session ids are keyed hashes here (I12). */
export const sessionStarted = z.strictObject({
  tenant: tenantText, sessionHash: z.string(), parentHash: z.string().nullable(), subject: resolvedSubject, clientId: identifier(), kind: z.enum(sessionKinds),
  deviceId: z.string().nullable(), agentId: z.string().nullable(), grantId: z.string().nullable(), beganAt: instantText, expiresAt: instantText,
  initiator: z.strictObject({ kind: z.enum(['client', 'person', 'signal', 'service']), id: identifier(512) }),
})
export const sessionEnded = z.strictObject({
  tenant: tenantText, sessionHash: z.string(), subject: resolvedSubject, endedAt: instantText, reason: z.string(), revocationId: z.string().nullable(),
})

/** Body of `PUT /v1/clients/{clientId}`. */
export const clientRequest = z.strictObject({
  name: text(256).optional(), scopes: z.array(z.string().max(64)).max(32), enabled: z.boolean().optional(),
  /** Asks for a new secret; the old one works until the overlap ends. */
  rotateSecret: z.boolean().optional(),
})
export const client = z.object({
  clientId: identifier(), tenant: tenantText, name: z.string().nullable(), scopes: z.array(z.string()), enabled: z.boolean(), createdAt: instantText,
  /** Shown once: when the client was created or its secret rotated. */
  clientSecret: z.string().optional(),
})

/** Body of `PUT /v1/issuers/{id}`: an issuer whose tokens the tenant trusts. */
export const issuerRequest = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).max(512), jwksUri: z.url({ protocol: /^https?$/ }).max(1024).optional(),
  audiences: z.array(identifier(512)).min(1).max(16), beganAtClaim: identifier(64).optional(),
})
export const issuer = z.object({
  id: identifier(), tenant: tenantText, issuer: z.string(), jwksUri: z.string().nullable(), audiences: z.array(z.string()),
  beganAtClaim: z.string(), updatedAt: instantText,
})

export const jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

/** Answer of `POST /oauth2/token` (RFC 6749 section 5.1; the standard's own names). */
export const tokenResponse = z.object({
  access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.number().int(), scope: z.string().optional(), refresh_token: z.string().optional(),
})
