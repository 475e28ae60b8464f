import type { Tx } from '@curfew/persistence'
import { instant, tenantId, toIso, type Instant, type TenantId } from '@curfew/kernel'
import { Injectable } from '@nestjs/common'
import type { StoredSignal } from '../receive-signal/receive-signal.js'
import { SignalRow } from './signal.entity.js'

/** A signal read back: its CloudEvent is a value again. */
export type KeptSignal = Omit<StoredSignal, 'verbatim'> & { readonly verbatim: unknown }

/** The place of a signal in the newest-first order. */
export interface SignalPlace {
  readonly receivedAt: Instant
  readonly id: string
}

export interface SignalSearch {
  readonly sub?: string
  readonly kind?: string
  readonly after?: SignalPlace
  readonly limit: number
}

@Injectable()
export class SignalStore {
  /** False when a signal of this id is kept already; then nothing was written. Waits for a transaction that is writing the same one. */
  async keep(tx: Tx, signal: StoredSignal): Promise<boolean> {
    const rows = await tx.query(
      // The sender's instant may lie in a year that a timestamp literal cannot spell, so it is counted from the epoch.
      `INSERT INTO signal (tenant, id, source, signal_id, kind, issuer, sub, occurred_at, received_at, state, content_hash, verbatim, revocation_ids, note)
       VALUES ($1, $2, $3, $4, $5, $6, $7, timestamptz 'epoch' + $8::float8 * interval '1 millisecond', $9, $10, $11, $12, $13, $14)
       ON CONFLICT (tenant, id) DO NOTHING RETURNING id`,
      [signal.tenant, signal.id, signal.source, signal.signalId, signal.kind, signal.subject.issuer, signal.subject.sub, signal.occurredAt,
        toIso(signal.receivedAt), signal.state, signal.contentHash, signal.verbatim, signal.revocationIds, signal.note],
    )
    return rows.length > 0
  }

  async contentHashOf(tx: Tx, tenant: TenantId, id: string): Promise<string | undefined> {
    const [row] = await tx.query<{ content_hash: string }>('SELECT content_hash FROM signal WHERE tenant = $1 AND id = $2', [tenant, id])
    return row?.content_hash
  }

  async find(tx: Tx, tenant: TenantId, id: string): Promise<KeptSignal | undefined> {
    const row = await tx.manager.findOneBy(SignalRow, { tenant, id })
    return row === null ? undefined : keptSignal(row)
  }

  /** Newest first, from after a place on. What was kept before the first page was read is listed exactly once, whatever is kept meanwhile. */
  async list(tx: Tx, tenant: TenantId, { sub, kind, after, limit }: SignalSearch): Promise<KeptSignal[]> {
    const query = tx.manager.createQueryBuilder(SignalRow, 's').where('s.tenant = :tenant', { tenant })
    if (sub !== undefined) query.andWhere('s.sub = :sub', { sub })
    if (kind !== undefined) query.andWhere('s.kind = :kind', { kind })
    if (after !== undefined) query.andWhere('(s.received_at, s.id) < (:at, :id)', { at: toIso(after.receivedAt), id: after.id })
    const rows = await query.orderBy('s.received_at', 'DESC').addOrderBy('s.id', 'DESC').limit(limit).getMany()
    return rows.map(keptSignal)
  }
}

const keptSignal = (row: SignalRow): KeptSignal => ({
  id: row.id, tenant: tenantId(row.tenant), source: row.source, signalId: row.signalId, kind: row.kind, subject: { issuer: row.issuer, sub: row.sub },
  occurredAt: instant(row.occurredAt.getTime()), receivedAt: instant(row.receivedAt.getTime()), state: row.state as StoredSignal['state'],
  contentHash: row.contentHash, verbatim: row.verbatim, revocationIds: row.revocationIds, note: row.note,
})
