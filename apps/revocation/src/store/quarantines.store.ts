import { partitionOf, type OutgoingRecord } from '@curfew/bus'
import { topics, type QuarantineRecord } from '@curfew/contracts'
import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { feedShared, wholeHash } from './feed-partition.js'

export interface QuarantineChange {
  readonly id: string
  readonly fingerprint: string
  readonly record: QuarantineRecord
}

const insert = `${feedShared('$1')}, changed AS (
  INSERT INTO quarantines (tenant, id, agent_id, version, forget_after, fingerprint, record) VALUES ($2, $3, $4, $5, $6, $7, $8) RETURNING id)`

export class QuarantinesStore {
  /** Changes of one agent follow one another until the commit, so that versions have no twins. */
  async lockAgent(tx: Tx, tenant: TenantId, agentId: string): Promise<void> {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify(['quarantine', tenant, agentId])])
  }

  /** A repeat is answered by what is found: the lock writes to the log, so that its commit, too, waits until the standbys have it (I2). */
  async find(tx: Tx, tenant: TenantId, id: string): Promise<QuarantineChange | undefined> {
    const [row] = await tx.query<QuarantineChange>('SELECT id, fingerprint, record FROM quarantines WHERE tenant = $1 AND id = $2 FOR KEY SHARE', [tenant, id])
    return row
  }

  /** 0 where the agent was never held. */
  async lastVersion(tx: Tx, tenant: TenantId, agentId: string): Promise<number> {
    const [row] = await tx.query<{ version: string }>('SELECT version FROM quarantines WHERE tenant = $1 AND agent_id = $2 ORDER BY version DESC LIMIT 1', [tenant, agentId])
    return row === undefined ? 0 : Number(row.version)
  }

  async insert(tx: Tx, { id, fingerprint, record }: QuarantineChange, event: OutgoingRecord): Promise<void> {
    await tx.queryWithOutbox({
      with: insert, record: event, partition: '(SELECT $9::integer % partitions FROM feed)',
      parameters: [topics.revocations.name, record.tenant, id, record.agentId, record.version, record.forgetAfter, fingerprint, JSON.stringify(record),
        partitionOf(event.key ?? '', wholeHash)],
    })
  }
}
