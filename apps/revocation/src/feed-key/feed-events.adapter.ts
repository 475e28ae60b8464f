import { encodeEvent, type OutgoingRecord } from '@curfew/bus'
import { events, readInstant, type QuarantineRecord, type RevocationRecord } from '@curfew/contracts'
import { defaultTenant, toIso, type Instant, type TenantId } from '@curfew/kernel'
import { selectorOf } from '@curfew/denylist'
import { selectorOfRecord } from '../revoke/accepted-revocation.js'
import type { FeedSigner } from './feed-signer.adapter.js'

const source = 'urn:curfew:revocation'

/** The signed record of a revocation, keyed by its scope. Fault `record.too_large` when gateways would not take it. */
export const revocationEvent = (record: RevocationRecord, signer: FeedSigner, traceparent?: string): OutgoingRecord => signer.signed(encodeEvent(
  events.revocationDecided, selectorOfRecord(record),
  { id: record.id, source, tenant: record.tenant, time: readInstant(record.decidedAt), ...(traceparent === undefined ? {} : { traceparent }) }, record))

/** The signed record of a hold or a release. `id` is the command's, so that a repeat is recognised downstream. */
export const quarantineEvent = (id: string, record: QuarantineRecord, signer: FeedSigner): OutgoingRecord => signer.signed(encodeEvent(
  events.quarantineChanged, selectorOf(record.tenant as TenantId, { kind: 'agent', agentId: record.agentId }), { id, source, tenant: record.tenant }, record))

/** One signed watermark for each of `partitions` partitions. It belongs to no tenant; the default one stands in its header. */
export const watermarkEvents = (at: Instant, partitions: number, signer: FeedSigner): OutgoingRecord[] => Array.from({ length: partitions }, (_, partition) => ({
  ...signer.signed({
    ...encodeEvent(events.watermarkAdvanced, '', { id: `${toIso(at)}/${partition}`, source, tenant: defaultTenant, time: at },
      { at: toIso(at), partitions }),
    key: null,
  }),
  partition,
}))
