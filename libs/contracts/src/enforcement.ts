import { z } from 'zod'
import { identifier, instantText, tenantText } from './scalars.js'

/** Data of `curfew.enforcement.applied`: how far one gateway has come. Positions are next offsets, as decimal text (they exceed 2^53). */
export const enforcementApplied = z.strictObject({
  gatewayId: identifier(), topicId: z.string().max(64), positions: z.array(z.string().regex(/^\d{1,20}$/)).max(1_000), watermark: instantText.nullable(),
  stalenessMs: z.number().nonnegative().nullable(), entries: z.number().int().nonnegative(),
})

/** Data of `curfew.activity.observed`: a session was used; coalesced at the edge. */
export const activityObserved = z.strictObject({ tenant: tenantText, sessionId: identifier(), lastActiveAt: instantText, requests: z.number().int().positive() })

/** Data of `curfew.subject.changed`. */
export const subjectChanged = z.strictObject({
  tenant: tenantText, subject: z.strictObject({ issuer: identifier(512), sub: identifier(512) }), status: z.enum(['enabled', 'disabled', 'deleted']),
  version: z.number().int().positive(), at: instantText,
})
