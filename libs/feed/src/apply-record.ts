import type { BusRecord, ReceivedEvent } from '@curfew/bus'
import { events, Fault, readInstant, type QuarantineRecord, type RevocationRecord, type WatermarkRecord } from '@curfew/contracts'
import { everyTenant, type LiveRevocation, type MapDenylist, type QuarantineFlag } from '@curfew/denylist'
import { defaultTenant, instant, type Instant, type TenantId } from '@curfew/kernel'
import type { KeyObject } from 'node:crypto'
import { isSigned, keyIdOf, type SignedParts } from './signature.js'
import type { Watermarks } from './watermarks.js'

/**
 * How far an authentic instant may lie past what the primary can show. Two primaries of one failover are kept by NTP, which holds
 * servers within milliseconds; five seconds is what the control plane grants strangers' clocks too. Beyond it, refused and alarmed.
 */
export const aheadToleranceMs = 5_000

/** What became of one record. Only 'applied' changed what the denylist answers. */
export type RecordOutcome =
  | { readonly kind: 'applied' }
  /** Signed under a key id that is not known here: perhaps by a key younger than the terms. */
  | { readonly kind: 'unknown_key'; readonly kid: string }
  | { readonly kind: 'not_authentic' }
  | { readonly kind: 'not_understood'; readonly why: string }
  | { readonly kind: 'ahead_of_time'; readonly why: string }

/** What a record is applied to, and judged by. */
export interface RecordTarget {
  readonly denylist: MapDenylist
  readonly watermarks: Watermarks
  readonly keys: ReadonlyMap<string, KeyObject>
  /** The latest instant the primary's clock can show now. */
  readonly primaryNowAtMost: Instant
  readonly decode: (record: BusRecord) => ReceivedEvent
}

/**
 * Applies one record of the feed, or says why not; never throws on input. Whatever is authentic and not applied freezes its partition's
 * watermark, because what lies above it proves nothing about it (PROTOCOL section 5); what is not authentic freezes nothing, since
 * then a stranger could stop every gateway.
 */
export function applyRecord(record: BusRecord, target: RecordTarget): RecordOutcome {
  const signed = signedPartsOf(record)
  if (signed === undefined) return { kind: 'not_authentic' }
  const kid = keyIdOf(signed.signature)
  if (kid !== undefined && !target.keys.has(kid)) return { kind: 'unknown_key', kid }
  if (!isSigned(signed.parts, signed.signature, target.keys)) return { kind: 'not_authentic' }
  const outcome = applyAuthentic(record, signed.parts, target)
  if (outcome.kind === 'not_understood') target.watermarks.freeze(record.partition, record.offset)
  return outcome
}

/** Who wrote a record, as far as these keys tell. `unknown_key` names one that they do not hold: perhaps a younger one. */
export function authenticityOf(record: BusRecord, keys: ReadonlyMap<string, KeyObject>): 'authentic' | 'forged' | 'unknown_key' {
  const signed = signedPartsOf(record)
  if (signed === undefined) return 'forged'
  const kid = keyIdOf(signed.signature)
  if (kid !== undefined && !keys.has(kid)) return 'unknown_key'
  return isSigned(signed.parts, signed.signature, keys) ? 'authentic' : 'forged'
}

interface Signed {
  readonly parts: SignedParts & { readonly version: number }
  readonly signature: string | undefined
}

const schemaPattern = /\/([1-9]\d{0,5})$/
const named = ['ce_id', 'ce_source', 'ce_type', 'ce_tenant', 'ce_dataschema', 'curfew-signature']

/** Undefined where no signature could hold: no value, or a header that two readers could read differently. */
function signedPartsOf({ topic, headers, value }: BusRecord): Signed | undefined {
  const found = new Map<string, string>()
  for (const [name, text] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (!named.includes(lower)) continue
    if (found.has(lower)) return undefined
    found.set(lower, text)
  }
  const schema = found.get('ce_dataschema')
  const version = schema === undefined ? 1 : Number(schemaPattern.exec(schema)?.[1])
  const [id, source, type] = [found.get('ce_id'), found.get('ce_source'), found.get('ce_type')]
  if (value === null || id === undefined || source === undefined || type === undefined || Number.isNaN(version)) return undefined
  const parts = { topic, id, source, type, tenant: found.get('ce_tenant') ?? defaultTenant, value, version }
  return { parts, signature: found.get('curfew-signature') }
}

function applyAuthentic(record: BusRecord, parts: Signed['parts'], target: RecordTarget): RecordOutcome {
  try {
    return applyEvent(target.decode(asSigned(record, parts)), record, target)
  } catch (error) {
    return { kind: 'not_understood', why: error instanceof Fault ? error.code : (error as Error).message }
  }
}

// Only what was signed is read: an authentic value under headers that a stranger changed is not made unintelligible by them.
const asSigned = (record: BusRecord, { id, source, type, tenant, version }: Signed['parts']): BusRecord => ({
  ...record,
  headers: {
    ce_specversion: '1.0', ce_id: id, ce_source: source, ce_type: type, ce_tenant: tenant,
    ce_dataschema: `https://curfew.dev/schemas/${type}/${version}`, 'content-type': 'application/json',
  },
})

function applyEvent({ spec, data }: ReceivedEvent, record: BusRecord, target: RecordTarget): RecordOutcome {
  switch (spec) {
    case events.revocationDecided: return applyRevocation(revocationOf(data as RevocationRecord), record, target)
    case events.quarantineChanged: {
      target.denylist.applyQuarantine(flagOf(data as QuarantineRecord))
      return { kind: 'applied' }
    }
    case events.watermarkAdvanced: return applyWatermark(data as WatermarkRecord, record.partition, target)
    default: return { kind: 'not_understood', why: `nothing is known of ${spec.type} here` }
  }
}

function applyRevocation(revocation: LiveRevocation, { partition, offset }: BusRecord, { denylist, watermarks, primaryNowAtMost }: RecordTarget): RecordOutcome {
  if (isAhead(revocation.cutoff, primaryNowAtMost)) {
    // Refusing it leaves somebody alive whom it names: no watermark above may say otherwise.
    watermarks.freeze(partition, offset)
    return { kind: 'ahead_of_time', why: 'a cutoff lies in the future of the primary' }
  }
  denylist.apply(revocation)
  return { kind: 'applied' }
}

function applyWatermark({ at, partitions }: WatermarkRecord, partition: number, { watermarks, primaryNowAtMost }: RecordTarget): RecordOutcome {
  const claimed = readInstant(at)
  if (isAhead(claimed, primaryNowAtMost)) return { kind: 'ahead_of_time', why: 'a watermark lies in the future of the primary' }
  watermarks.advance(partition, claimed, partitions, primaryNowAtMost)
  return { kind: 'applied' }
}

/** Whether this instant, said to have been read from the primary's clock, cannot have been. */
export const isAhead = (at: number | null, primaryNowAtMost: Instant): boolean => at !== null && Number.isFinite(at) && at > primaryNowAtMost + aheadToleranceMs

function revocationOf(record: RevocationRecord): LiveRevocation {
  return {
    tenant: record.everyTenant === true ? everyTenant : (record.tenant as TenantId), scope: record.scope, except: record.except,
    cutoff: record.cutoff === null ? null : readInstant(record.cutoff), forgetAfter: readInstant(record.forgetAfter),
  }
}

const flagOf = ({ tenant, agentId, version, quarantined, until, forgetAfter }: QuarantineRecord): QuarantineFlag => ({
  tenant: tenant as TenantId, agentId, version, quarantined, until: until === undefined ? null : instant(readInstant(until)), forgetAfter: readInstant(forgetAfter),
})
