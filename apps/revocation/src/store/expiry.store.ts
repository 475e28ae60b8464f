import { toIso, type Instant } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'

export class ExpiryStore {
  /** Takes forgotten revocations out of the live index, some at a time; answers how many. Their rows stay as the record of what was decided. */
  async forget(tx: Tx, since: Instant, limit: number): Promise<number> {
    const rows = await tx.query(`UPDATE revocations SET live = false WHERE (tenant, id) IN (
      SELECT tenant, id FROM revocations WHERE live AND forget_after <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id`, [toIso(since), limit])
    return rows.length
  }
}
