import { readInstant, type QuarantineRecord } from '@curfew/contracts'
import { entryOf, type QuarantineFlag } from '@curfew/denylist'
import { instant, toIso, type Instant, type TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import type { SelectorRow } from '../snapshot/merge-rows.js'
import { isKeptFlag } from './feed-topic.store.js'

/** The last row of a page. Text where PostgreSQL's own order decides, so that nothing is lost on the way through JavaScript. */
export interface SnapshotCursor {
  readonly hash: Buffer
  readonly cutoff: string
  readonly id: string
  readonly tenant: string
}

export const snapshotBeginning: SnapshotCursor = { hash: Buffer.alloc(0), cutoff: '-infinity', id: '00000000-0000-0000-0000-000000000000', tenant: '' }

interface Row extends SnapshotCursor {
  readonly selector: string
  readonly decided_cutoff: string | null
  readonly except: readonly string[]
  readonly forget_after: string
}

const page = `SELECT selector, selector_hash AS hash, cutoff::text, id, tenant,
    record->>'cutoff' AS decided_cutoff, record->'except' AS "except", record->>'forgetAfter' AS forget_after
  FROM revocations WHERE live AND forget_after > $1 AND (selector_hash, cutoff, id, tenant) > ($2, $3::timestamptz, $4::uuid, $5)
  ORDER BY selector_hash, cutoff, id, tenant LIMIT $6`

// The latest of each agent first, then whether it is kept: an earlier hold must not come back because its release was forgotten.
const flags = `SELECT record FROM (SELECT DISTINCT ON (tenant, agent_id) * FROM quarantines ORDER BY tenant, agent_id, version DESC) AS each WHERE ${isKeptFlag('$1')}`

export class SnapshotStore {
  /** The next live revocations in the order of their selectors, and where to go on; nowhere after the last. */
  async page(tx: Tx, since: Instant, after: SnapshotCursor, limit: number): Promise<{ rows: SelectorRow[]; next: SnapshotCursor | undefined }> {
    const found = await tx.query<Row>(page, [toIso(since), after.hash, after.cutoff, after.id, after.tenant, limit])
    return { rows: found.map(selectorRow), next: found.length < limit ? undefined : found.at(-1) }
  }

  async flags(tx: Tx, since: Instant): Promise<QuarantineFlag[]> {
    const rows = await tx.query<{ record: QuarantineRecord }>(flags, [toIso(since)])
    return rows.map(({ record }) => flagOf(record))
  }
}

const selectorRow = ({ selector, decided_cutoff, except, forget_after }: Row): SelectorRow =>
  ({ selector, entry: entryOf(decided_cutoff === null ? null : readInstant(decided_cutoff), except, readInstant(forget_after)) })

const flagOf = ({ tenant, agentId, version, quarantined, until, forgetAfter }: QuarantineRecord): QuarantineFlag =>
  ({ tenant: tenant as TenantId, agentId, version, quarantined, until: until === undefined ? null : instant(readInstant(until)), forgetAfter: readInstant(forgetAfter) })
