import { z } from 'zod'
import { identifier, instantText, subjectRef, tenantText, text } from './scalars.js'

export const signalKinds = [
  'password_reset', 'mfa_changed', 'account_disabled', 'account_deleted', 'sso_deactivated', 'offboarded', 'role_changed', 'permission_changed',
  'device_lost', 'device_noncompliant', 'risk_raised', 'agent_disabled', 'integration_disconnected', 'sign_out',
] as const
export type SignalKind = (typeof signalKinds)[number] | `custom.${string}`

/** Deeper than any real detail, and so shallow that whoever walks it may recurse. */
const deepestDetail = 24

/** Level by level and without recursion: hostile nesting costs time in proportion to its size and nothing else. */
function isDeeperThan(value: unknown, levels: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true
    level = level.flatMap((item) => (item !== null && typeof item === 'object' ? Object.values(item) : []))
  }
  return false
}

/** Data of `curfew.lifecycle.<kind>`. `occurredAt` is the sender's clock: skew is added where it meets ours (I4). */
export const signalData = z.strictObject({
  subject: subjectRef, occurredAt: instantText, initiator: identifier(512).optional(),
  details: z.record(z.string().max(64), z.unknown()).refine((details) => !isDeeperThan(details, deepestDetail), `may nest at most ${deepestDetail} levels deep`).optional(),
})
export type SignalData = z.infer<typeof signalData>

const prefix = 'curfew.lifecycle.'
const customKind = /^custom\.[a-z0-9_.-]{1,64}$/

/** The kind a CloudEvents type names, or undefined when it names none. */
export function signalKindOf(type: string): SignalKind | undefined {
  if (!type.startsWith(prefix)) return undefined
  const kind = type.slice(prefix.length)
  return (signalKinds as readonly string[]).includes(kind) || customKind.test(kind) ? (kind as SignalKind) : undefined
}

/** A CloudEvent in structured JSON as `POST /v1/lifecycle-signals` takes it; extension attributes change nothing, and are kept with the rest of it. */
export const structuredSignal = z.looseObject({
  specversion: z.literal('1.0'), id: identifier(512), source: identifier(512),
  type: identifier().refine((type) => signalKindOf(type) !== undefined, 'must be curfew.lifecycle.<kind> with a known kind'),
  time: instantText.optional(), datacontenttype: z.string().max(128).optional(), data: signalData,
})
export type StructuredSignal = z.infer<typeof structuredSignal>
export const signalSubmission = z.union([structuredSignal, z.array(structuredSignal).min(1).max(500)])

export const signalStates = ['received', 'applied', 'ignored', 'duplicate'] as const
export const submittedSignals = z.object({ items: z.array(z.object({ id: z.string(), state: z.enum(signalStates) })) })

/** A signal as `GET /v1/lifecycle-signals/{id}` shows it: verbatim, with what it led to. */
export const signal = z.object({
  id: z.string(), tenant: tenantText, source: z.string(), signalId: z.string(), kind: z.string(), subject: z.object({ issuer: z.string(), sub: z.string() }),
  occurredAt: instantText, receivedAt: instantText, state: z.enum(signalStates), verbatim: z.unknown(), revocationIds: z.array(z.string()), note: text(1024).nullable(),
})
export type Signal = z.infer<typeof signal>

export const signalFilter = z.strictObject({
  sub: identifier(512).optional(), kind: identifier().optional(), limit: z.coerce.number().int().min(1).max(500).default(50), cursor: z.string().max(512).optional(),
})
export type SignalFilter = z.infer<typeof signalFilter>
