import type { RevocationFilter } from '@curfew/contracts'
import { instant, toIso, type TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import type { CursorPosition } from '@curfew/service-kit'
import type { AcceptedRevocation } from '../revoke/accepted-revocation.js'
import { kept, keptColumns, type KeptRow } from './revocations.store.js'

type Conditions = Pick<RevocationFilter, 'kind' | 'sub' | 'state'>

/** States that a revocation is not in yet, because the part that brings it there is not delivered. */
const unreached: readonly RevocationFilter['state'][] = ['pending_approval', 'enforced', 'rejected']

export class RevocationListStore {
  /** At most `limit` of a tenant's revocations in descending order of (decided at, id), after the given place. */
  async newest(tx: Tx, tenant: TenantId, { kind, sub, state }: Conditions, after: CursorPosition | undefined, limit: number): Promise<AcceptedRevocation[]> {
    if (unreached.includes(state)) return []
    const parameters: unknown[] = [tenant, limit]
    const value = (given: unknown): string => `$${parameters.push(given)}`
    const conditions = ['tenant = $1']
    if (kind !== undefined) conditions.push(`kind = ${value(kind)}`)
    if (sub !== undefined) conditions.push(`sub = ${value(sub)}`)
    if (state !== undefined) conditions.push(`published_at IS ${state === 'published' ? 'NOT NULL' : 'NULL'}`)
    if (after !== undefined) conditions.push(`(decided_at, id) < (${value(toIso(instant(Number(after[0]))))}::timestamptz, ${value(after[1])}::uuid)`)
    const rows = await tx.query<KeptRow>(`SELECT ${keptColumns} FROM revocations WHERE ${conditions.join(' AND ')} ORDER BY decided_at DESC, id DESC LIMIT $2`, parameters)
    return rows.map(kept)
  }
}
