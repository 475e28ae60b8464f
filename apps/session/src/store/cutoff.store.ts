import { MapDenylist, type Entry, type TokenFacts, type Verdict } from '@curfew/denylist'
import type { Instant, TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import { selectorKey, selectorLock } from '../inventory/keyed-names.js'
import { fromColumn, toColumn } from './instant-column.js'

export interface KnownCutoff {
  readonly entry: Entry
  /** The revocation whose inventory rows are still being ended. */
  readonly sweeping: string | null
}

/**
 * What this service knows to be dead. Whoever issues holds its selectors shared until the commit, whoever adds a cutoff holds its selector
 * alone: so a session is either seen by the sweep of a cutoff, or its issuer sees the cutoff. There is no third case.
 */
@Injectable()
export class CutoffStore {
  /** Judges what is about to be issued, and lets no cutoff that could end it be added until this transaction is over. */
  async verdictOn(tx: Tx, facts: TokenFacts, selectors: readonly string[]): Promise<Verdict> {
    const keys = selectors.map(selectorKey)
    // Two statements, sent together and run in order: the snapshot of the second is taken once the locks are held.
    const [, rows] = await Promise.all([
      this.lock(tx, 'pg_advisory_xact_lock_shared', facts.tenant, keys),
      tx.query<CutoffRow & { selector: string }>(`SELECT selector, ${columns} FROM cutoffs WHERE tenant = $1 AND selector_key = ANY($2)`, [facts.tenant, keys]),
    ])
    const entries = rows.map((row) => ({ selector: row.selector, cutoff: row.cutoff_ms === null ? null : Number(row.cutoff_ms), exceptions: row.exceptions, forgetAfter: fromColumn(row.forget_after) }))
    return MapDenylist.restore({ version: 1, entries, flags: [] }).verdictOn(facts, tx.now)
  }

  /** Waits for whoever issues under this selector, and keeps others from beginning to until this transaction is over. */
  async lockForChange(tx: Tx, tenant: TenantId, selector: string): Promise<KnownCutoff | undefined> {
    const key = selectorKey(selector)
    const [, [row]] = await Promise.all([
      this.lock(tx, 'pg_advisory_xact_lock', tenant, [key]),
      tx.query<CutoffRow & Pick<KnownCutoff, 'sweeping'>>(`SELECT ${columns}, sweeping FROM cutoffs WHERE tenant = $1 AND selector_key = $2`, [tenant, key]),
    ])
    return row && { entry: entryOfRow(row), sweeping: row.sweeping }
  }

  async save(tx: Tx, tenant: TenantId, selector: string, { entry, sweeping }: KnownCutoff): Promise<void> {
    const finite = (cutoff: number): number | null => (Number.isFinite(cutoff) ? cutoff : null)
    await tx.query(saved, [tenant, selectorKey(selector), selector, finite(entry.cutoff), JSON.stringify([...entry.exceptions].map(([id, cutoff]) => [id, finite(cutoff)])),
      toColumn(entry.forgetAfter), sweeping])
  }

  /** Unless another revocation of the selector has begun its own sweep meanwhile. */
  async sweepDone(tx: Tx, tenant: TenantId, selector: string, revocationId: string): Promise<void> {
    await tx.query('UPDATE cutoffs SET sweeping = NULL WHERE tenant = $1 AND selector_key = $2 AND sweeping = $3', [tenant, selectorKey(selector), revocationId])
  }

  /** Drops a few of those that no session can match any more (I8). */
  async forget(tx: Tx, tenant: TenantId, before: Instant): Promise<void> {
    await tx.query(`DELETE FROM cutoffs WHERE tenant = $1 AND selector_key = ANY(ARRAY(
      SELECT selector_key FROM cutoffs WHERE tenant = $1 AND forget_after < $2 AND sweeping IS NULL ORDER BY forget_after LIMIT ${forgottenAtOnce}))`, [tenant, toColumn(before)])
  }

  private lock(tx: Tx, how: 'pg_advisory_xact_lock' | 'pg_advisory_xact_lock_shared', tenant: TenantId, keys: readonly string[]): Promise<unknown> {
    return tx.query(`SELECT ${how}(key) FROM unnest($1::bigint[]) AS key`, [keys.map((key) => selectorLock(tenant, key))])
  }
}

/** One added cutoff in 32 clears up to this many old ones: more go than come, and none of it takes noticeable time. */
const forgottenAtOnce = 320

interface CutoffRow {
  readonly cutoff_ms: string | null
  readonly exceptions: [string, number | null][]
  readonly forget_after: Date
}
const columns = 'cutoff_ms, exceptions, forget_after'

const entryOfRow = ({ cutoff_ms, exceptions, forget_after }: CutoffRow): Entry => ({
  cutoff: cutoff_ms === null ? Number.POSITIVE_INFINITY : Number(cutoff_ms), forgetAfter: fromColumn(forget_after),
  exceptions: new Map(exceptions.map(([id, cutoff]) => [id, cutoff ?? Number.NEGATIVE_INFINITY])),
})

const saved = `INSERT INTO cutoffs (tenant, selector_key, selector, cutoff_ms, exceptions, forget_after, sweeping) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (tenant, selector_key) DO UPDATE
  SET cutoff_ms = excluded.cutoff_ms, exceptions = excluded.exceptions, forget_after = excluded.forget_after, sweeping = excluded.sweeping`
