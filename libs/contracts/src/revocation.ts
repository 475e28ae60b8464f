import { z } from 'zod'
import { identifier, initiator, instantText, reason, tenantText, text, uuid } from './scalars.js'

const issuedBefore = instantText.optional()
const sub = identifier(512)
const issuer = identifier(512)

/** A scope as a caller writes it: `issuer` may be omitted, wide kinds may carry `issuedBefore`. */
export const requestedScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('session'), id: identifier() }),
  z.strictObject({ kind: z.literal('token'), jti: identifier(), issuer: issuer.optional() }),
  z.strictObject({ kind: z.literal('subject'), issuer: issuer.optional(), sub, issuedBefore }),
  z.strictObject({ kind: z.literal('client'), clientId: identifier(), issuedBefore }),
  z.strictObject({ kind: z.literal('device'), deviceId: identifier(), issuedBefore }),
  z.strictObject({ kind: z.literal('agent'), agentId: identifier(), issuedBefore }),
  z.strictObject({ kind: z.literal('grant'), grantId: identifier(), issuedBefore }),
  z.strictObject({ kind: z.literal('tenant'), issuedBefore }),
  // `everyTenant` names a key that signs for all of them, and needs the scope `admin` (PROTOCOL section 1).
  z.strictObject({ kind: z.literal('key'), kid: identifier(), issuer: issuer.optional(), everyTenant: z.boolean().optional() }),
])
export type RequestedScope = z.infer<typeof requestedScope>

/** A scope as it was decided: every issuer named, the cutoff beside it rather than inside. */
export const decidedScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('session'), id: identifier() }),
  z.strictObject({ kind: z.literal('token'), jti: identifier(), issuer }),
  z.strictObject({ kind: z.literal('subject'), issuer, sub }),
  z.strictObject({ kind: z.literal('client'), clientId: identifier() }),
  z.strictObject({ kind: z.literal('device'), deviceId: identifier() }),
  z.strictObject({ kind: z.literal('agent'), agentId: identifier() }),
  z.strictObject({ kind: z.literal('grant'), grantId: identifier() }),
  z.strictObject({ kind: z.literal('tenant') }),
  z.strictObject({ kind: z.literal('key'), kid: identifier(), issuer }),
])
export type DecidedScope = z.infer<typeof decidedScope>
export type ScopeKind = DecidedScope['kind']

/** The largest `except`: 10,000 ids of 36 characters stay well under the topic's record limit. Over it is a 422, hence not in the schema. */
export const maxExceptions = 10_000

/** What made a revocation: the signal or command behind it, by CloudEvents source and id. */
export const cause = z.strictObject({ kind: z.enum(['signal', 'command']), source: identifier(512), id: identifier(512) })

/** Body of `POST /v1/revocations`. */
export const revocationRequest = z.strictObject({
  scope: requestedScope,
  // The schema's own bound only keeps memory safe; the rule is `maxExceptions`.
  except: z.array(identifier()).max(50_000).optional(),
  reason: reason.optional(),
})
export type RevocationRequest = z.infer<typeof revocationRequest>

/** Data of `curfew.revocation.requested`: the request, who asks, and the id the revocation will have, so that a repeat is one revocation. */
export const revocationCommand = z.strictObject({ ...revocationRequest.shape, id: uuid, initiator, cause: cause.optional() })
export type RevocationCommand = z.infer<typeof revocationCommand>

export const revocationStates = ['pending_approval', 'accepted', 'published', 'enforced', 'rejected'] as const
export type RevocationState = (typeof revocationStates)[number]

/** A revocation as the API answers it. `cutoff` is null where the scope is absolute. */
export const revocation = z.object({
  id: uuid, tenant: tenantText, scope: decidedScope, except: z.array(identifier()), reason, initiator, cause: cause.optional(),
  state: z.enum(revocationStates), cutoff: instantText.nullable(), decidedAt: instantText, publishedAt: instantText.optional(),
  everyTenant: z.boolean().optional(), links: z.object({ self: z.string() }),
})
export type Revocation = z.infer<typeof revocation>

/** Query of `GET /v1/revocations`. */
export const revocationFilter = z.strictObject({
  kind: identifier(32).optional(), sub: identifier(512).optional(), state: z.enum(revocationStates).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional(),
})
export type RevocationFilter = z.infer<typeof revocationFilter>

/** Query of `POST /v1/revocations`. */
export const revocationWait = z.strictObject({
  wait: z.enum(['accepted', 'published']).default('published'), timeoutMs: z.coerce.number().int().min(0).max(60_000).default(5_000),
})

/** Data of `curfew.revocation.decided`, the record a gateway obeys. `forgetAfter` is the instant past which nothing it could match is accepted (I8). */
export const revocationRecord = z.strictObject({
  id: uuid, tenant: tenantText, scope: decidedScope, cutoff: instantText.nullable(), except: z.array(identifier()).max(maxExceptions),
  decidedAt: instantText, forgetAfter: instantText, reason, initiator, cause: cause.optional(),
  /** True only for a deployment-wide signing key: the selector then holds in every tenant. */
  everyTenant: z.boolean().optional(),
})
export type RevocationRecord = z.infer<typeof revocationRecord>

/** Data of `curfew.quarantine.changed`: a reversible flag, merged by highest version (I1). */
export const quarantineRecord = z.strictObject({
  tenant: tenantText, agentId: identifier(), version: z.number().int().positive(), quarantined: z.boolean(),
  until: instantText.optional(), forgetAfter: instantText, initiator, reason,
})
export type QuarantineRecord = z.infer<typeof quarantineRecord>

/** Data of `curfew.quarantine.requested`. */
export const quarantineCommand = z.strictObject({
  id: uuid, agentId: identifier(), quarantined: z.boolean(), until: instantText.optional(), initiator, reason: reason.optional(),
})

/** Data of `curfew.watermark.advanced`: every revocation accepted before `at` that belongs to this partition has a record below (I9). */
export const watermarkRecord = z.strictObject({ at: instantText, partitions: z.number().int().min(1).max(1_000) })
export type WatermarkRecord = z.infer<typeof watermarkRecord>

/** Body of `PUT /v1/gateways/{id}`: register, or renew the lease. */
export const gatewayRegistration = z.strictObject({
  version: text(64), budgetMs: z.number().int().min(1_000).max(86_400_000), posture: z.enum(['deny', 'introspect', 'allow']),
  recordVersions: z.record(identifier(), z.number().int().positive()).optional(),
})
export type GatewayRegistration = z.infer<typeof gatewayRegistration>

/** A public key in JWK form (RFC 7517); more members than these are legal and kept out. */
export const publicJwk = z.object({
  kty: z.string(), kid: z.string(), alg: z.string().optional(), use: z.string().optional(), crv: z.string().optional(),
  x: z.string().optional(), y: z.string().optional(), n: z.string().optional(), e: z.string().optional(),
})
export type PublicJwk = z.infer<typeof publicJwk>

/** The lease: the primary's clock lets a gateway bound its staleness without trusting any wall clock (PROTOCOL section 7). */
export const gatewayLease = z.object({
  id: identifier(), registeredAt: instantText, primaryClock: instantText, leaseMs: z.number().int().positive(), budgetMs: z.number().int(),
  feed: z.object({ topic: z.string(), topicId: z.string(), partitions: z.number().int(), keys: z.array(publicJwk) }),
})
export type GatewayLease = z.infer<typeof gatewayLease>

/** A gateway as the fleet lists it. */
export const gateway = z.object({
  id: identifier(), version: z.string(), posture: z.string(), budgetMs: z.number(), registeredAt: instantText, renewedAt: instantText,
  leaseUntil: instantText, live: z.boolean(),
})

export type Gateway = z.infer<typeof gateway>

/** Answer of `GET /v1/denylist/terms`: what anybody needs to follow the feed without being counted as a gateway. Public keys only. */
export const feedTerms = z.object({ primaryClock: instantText, feed: gatewayLease.shape.feed })

const merged = z.object({
  selector: z.string(), cutoff: z.number().nullable(), exceptions: z.array(z.tuple([z.string(), z.number().nullable()])), forgetAfter: z.number(),
})
const flag = z.object({
  tenant: tenantText, agentId: z.string(), version: z.number(), quarantined: z.boolean(), until: z.number().nullable(), forgetAfter: z.number(),
})

/**
 * Body of `GET /v1/denylist/snapshot`: the merged denylist and, per partition, the next offset to read. Null is absolute in a
 * cutoff, and "spared by all" in an exception. It is signed as a whole (`Curfew-Signature`).
 */
export const denylistSnapshot = z.object({
  topic: z.string(), topicId: z.string(), positions: z.array(z.string().regex(/^\d{1,20}$/)).min(1).max(1_000), takenAt: instantText,
  denylist: z.object({ version: z.literal(1), entries: z.array(merged), flags: z.array(flag) }),
})
export type SnapshotDocument = z.infer<typeof denylistSnapshot>
