import { partitionOf, type OutgoingRecord } from '@curfew/bus'
import { topics, type RevocationRecord } from '@curfew/contracts'
import { instant, type TenantId } from '@curfew/kernel'
import type { OutboxTicket, Tx } from '@curfew/persistence'
import { comparableCutoff, selectorHash, selectorOfRecord, subOf, type AcceptedRevocation } from '../revoke/accepted-revocation.js'
import { feedShared, wholeHash } from './feed-partition.js'

/** What a revocation with this id was asked for. */
export interface KeptRevocation extends AcceptedRevocation {
  readonly fingerprint: string
}

const insert = `${feedShared('$1')}, decided AS (
  INSERT INTO revocations (tenant, id, kind, sub, selector, selector_hash, cutoff, decided_at, forget_after, fingerprint, record)
  VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant, id) DO NOTHING RETURNING id)`

export const keptColumns = `record, fingerprint, floor(extract(epoch FROM published_at) * 1000)::float8 AS published_at`

export interface KeptRow {
  readonly record: RevocationRecord
  readonly fingerprint: string
  readonly published_at: number | null
}

export const kept = ({ record, fingerprint, published_at }: KeptRow): KeptRevocation =>
  ({ record, fingerprint, ...(published_at === null ? {} : { publishedAt: instant(published_at) }) })

export class RevocationsStore {
  /**
   * Writes the revocation and its outbox row in one statement. No ticket means that a revocation with this id is there already, and nothing was
   * written. The partition is chosen from the count that holds at the commit.
   */
  async insert(tx: Tx, record: RevocationRecord, event: OutgoingRecord, fingerprint: string): Promise<OutboxTicket | undefined> {
    const selector = selectorOfRecord(record)
    const { ticket } = await tx.queryWithOutbox({
      with: insert, from: 'decided', record: event, partition: '(SELECT $13::integer % partitions FROM feed)',
      parameters: [
        topics.revocations.name, record.tenant, record.id, record.scope.kind, subOf(record), selector, selectorHash(selector), comparableCutoff(record),
        record.decidedAt, record.forgetAfter, fingerprint, JSON.stringify(record), partitionOf(event.key ?? '', wholeHash),
      ],
    })
    return ticket
  }

  async find(tx: Tx, tenant: TenantId, id: string): Promise<KeptRevocation | undefined> {
    const [row] = await tx.query<KeptRow>(`SELECT ${keptColumns} FROM revocations WHERE tenant = $1 AND id = $2`, [tenant, id])
    return row === undefined ? undefined : kept(row)
  }

  /**
   * The same for whoever answers by it that the revocation is accepted: its first commit may have ended before the standbys had it, and then counts
   * as failed (I2). The lock writes to the log, so the commit of this transaction waits until they have both.
   */
  async vouchFor(tx: Tx, tenant: TenantId, id: string): Promise<KeptRevocation | undefined> {
    await tx.query('SELECT FROM revocations WHERE tenant = $1 AND id = $2 FOR KEY SHARE', [tenant, id])
    return this.find(tx, tenant, id)
  }
}
