import { Fault, readInstant, type RevocationCommand, type SignalData, type SignalKind } from '@curfew/contracts'
import { canonicalJson, type Instant, type TenantId } from '@curfew/kernel'
import { createHash } from 'node:crypto'
import { v5 } from 'uuid'
import { applyPolicy, type Ending } from '../apply-policy/apply-policy.js'

/** A signal as it came in by either door. `verbatim` is the whole CloudEvent as JSON text, extension attributes included. */
export interface IncomingSignal {
  readonly tenant: TenantId
  readonly source: string
  readonly signalId: string
  readonly kind: SignalKind
  readonly data: SignalData
  readonly verbatim: string
}

/** What is kept of a signal for good. `contentHash` tells a repeat from another signal that borrows its id. */
export interface StoredSignal {
  readonly id: string
  readonly tenant: TenantId
  readonly source: string
  readonly signalId: string
  readonly kind: string
  readonly subject: { readonly issuer: string; readonly sub: string }
  readonly occurredAt: Instant
  readonly receivedAt: Instant
  readonly state: 'applied' | 'ignored'
  readonly contentHash: string
  readonly verbatim: string
  readonly revocationIds: readonly string[]
  readonly note: string | null
}

export interface SignalDecision {
  readonly signal: StoredSignal
  readonly commands: readonly RevocationCommand[]
}

/** Namespaces of the name-based ids below (RFC 9562 section 5.5); changing one would make every replay a new revocation. */
const signalNamespace = '0d2f4f6e-5d0b-4c52-9a0e-6a1c6b1f5c11'
const commandNamespace = '7b8a3c90-3f53-4b7e-8d6e-2f0c9f0e4a27'

// JSON of an array is injective: no choice of names can make two signals one.
const name = (...parts: (string | number)[]): string => JSON.stringify(parts)

/** The id under which a signal is kept: the same wherever and however often it arrives. */
export const signalRowId = (tenant: TenantId, source: string, signalId: string): string => v5(name(tenant, source, signalId), signalNamespace)

/** The id of the revocation that one ending of a signal becomes, so that a replay asks for the same revocation and never for another. */
export const revocationIdOf = (tenant: TenantId, source: string, signalId: string, ending: number): string =>
  v5(name(tenant, source, signalId, ending), commandNamespace)

/**
 * Decides what becomes of one signal at the primary's instant `now`: the row that is kept and the revocations it asks for. A signal the policy
 * cannot apply is refused (`signal.incomplete`). Whether it was received before is not known here.
 */
export function receiveSignal(incoming: IncomingSignal, defaultIssuer: string, now: Instant, skewMs: number): SignalDecision {
  const { tenant, source, signalId, kind, data, verbatim } = incoming
  const subject = { issuer: data.subject.issuer ?? defaultIssuer, sub: data.subject.sub }
  const endings = applyPolicy(kind, { ...data, subject }, now, skewMs)
  const commands = endings.map((ending, at) => commandOf(incoming, ending, at))
  return {
    commands,
    signal: {
      id: signalRowId(tenant, source, signalId), tenant, source, signalId, kind, subject, occurredAt: readInstant(data.occurredAt), receivedAt: now,
      state: endings.length === 0 ? 'ignored' : 'applied', contentHash: contentHashOf(kind, data), verbatim,
      revocationIds: commands.map(({ id }) => id), note: noteOn(data, endings, now, skewMs),
    },
  }
}

function commandOf({ tenant, source, signalId }: IncomingSignal, { scope, except, reason }: Ending, at: number): RevocationCommand {
  return {
    id: revocationIdOf(tenant, source, signalId, at), scope, ...(except.length === 0 ? {} : { except: [...except] }), reason: { code: reason },
    initiator: { kind: 'signal', id: source }, cause: { kind: 'signal', source, id: signalId },
  }
}

/** Over what the sender says happened, not over how it was sent: the same signal by Kafka and by HTTP is one signal. */
const contentHashOf = (kind: SignalKind, data: SignalData): string => createHash('sha256').update(canonicalJson([kind, data])).digest('base64url')

function noteOn(data: SignalData, endings: readonly Ending[], now: Instant, skewMs: number): string | null {
  if (endings.length === 0) return 'the built-in policy ends nothing for a custom kind'
  const aheadMs = readInstant(data.occurredAt) - now
  return aheadMs > skewMs ? `occurredAt lies ${aheadMs} ms ahead of our clock: the decision's own instant was taken instead` : null
}

/** One signal of a submission that cannot be taken, by its place. */
export interface RefusedSignal {
  readonly at: number
  readonly fault: Fault
}

/** The one problem a submission answers: a batch names every signal that stands in its way, a single signal just says why. */
export function refusalOf(refused: readonly RefusedSignal[], total: number): Fault {
  const sorted = [...refused].sort((a, b) => a.at - b.at)
  const first = sorted[0]
  if (first === undefined) throw new RangeError('nothing was refused')
  if (total === 1) return first.fault
  return new Fault(first.fault.code, {
    detail: `nothing of the batch was taken: ${sorted.length} of its ${total} signals cannot be`,
    errors: sorted.map(({ at, fault }) => ({ pointer: `/${at}`, message: `${fault.code}: ${fault.message}` })),
  }, { cause: first.fault })
}
