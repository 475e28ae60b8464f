import { z } from 'zod'
import { identifier, instantText, tenantText, text, uuid } from './scalars.js'

/** One thing that happened, as the audit trail keeps it. Session ids appear as keyed hashes only (I12). */
export const auditEvent = z.object({
  id: uuid, tenant: tenantText, time: instantText, recordedAt: instantText, kind: z.string(), outcome: z.enum(['success', 'failure']),
  actor: z.object({ kind: z.string(), id: z.string() }).nullable(), subject: z.object({ issuer: z.string(), sub: z.string() }).nullable(),
  sessionHash: z.string().nullable(), revocationId: z.string().nullable(), reason: z.string().nullable(),
  source: z.object({ topic: z.string(), partition: z.number().int(), offset: z.string(), eventId: z.string(), eventSource: z.string() }), data: z.unknown(),
})
export type AuditEvent = z.infer<typeof auditEvent>

/** Query of `GET /v1/audit/events`. `sessionId` is the plain id: the service hashes it before it looks. */
export const auditFilter = z.strictObject({
  q: text(256).optional(), sub: identifier(512).optional(), sessionId: identifier().optional(), revocationId: identifier().optional(),
  actor: identifier(512).optional(), kind: identifier().optional(), outcome: z.enum(['success', 'failure']).optional(),
  from: instantText.optional(), to: instantText.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional(),
})
export type AuditFilter = z.infer<typeof auditFilter>
