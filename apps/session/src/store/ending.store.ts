import type { DecidedScope } from '@curfew/contracts'
import type { Entry } from '@curfew/denylist'
import { instant, type TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import type { Candidate } from '../end-sessions/end-sessions.js'
import type { ParentHop, SessionEnd } from '../inventory/inventoried-session.js'
import { selectorKey } from '../inventory/keyed-names.js'
import { lineageOf } from '../inventory/session-claims.js'
import { isSessionId } from '../inventory/session-id.js'
import { fromColumn, toColumn } from './instant-column.js'

export interface Sweep {
  readonly tenant: TenantId
  readonly scope: DecidedScope
  readonly selector: string
  readonly entry: Entry
}

export interface EndedRow {
  readonly id: string
  readonly issuer: string
  readonly sub: string
}

/** The inventory rows that a revocation ends. */
@Injectable()
export class EndingStore {
  /**
   * Live sessions that the scope names, by their own columns or by what they were derived from, in the order of their ids after `after`. The
   * limits of one make PostgreSQL probe for each instead of joining with a whole tenant, which it prefers while it has no statistics.
   */
  async candidates(tx: Tx, { tenant, scope, selector, entry }: Sweep, after: string, limit: number): Promise<Candidate[]> {
    const { condition, values } = namedBy(scope)
    // Absolute, or spared by none: everything named. Else nothing that began after the cutoff, whatever the exceptions say.
    const cutoff = Number.isFinite(entry.cutoff) ? toColumn(instant(entry.cutoff)) : 'infinity'
    const rows = await tx.query<{ id: string; began_at: Date; hops: ParentHop[] }>(`
      WITH named AS (
        (SELECT id FROM sessions WHERE tenant = $1 AND ${live} AND ${condition} AND id > $2 ORDER BY id LIMIT $3)
        UNION
        (SELECT session_id FROM session_lineage, LATERAL (SELECT FROM sessions WHERE tenant = $1 AND id = session_id AND ${live} LIMIT 1) AS alive
          WHERE session_lineage.tenant = $1 AND selector_key = $5 AND session_id > $2 ORDER BY session_id LIMIT $3)
      )
      SELECT id, began_at, hops FROM named, LATERAL (SELECT began_at, hops FROM sessions WHERE tenant = $1 AND sessions.id = named.id LIMIT 1) AS own ORDER BY id LIMIT $3`,
    [tenant, after, limit, cutoff, selectorKey(selector), ...values])
    return rows.map(({ id, began_at, hops }) => ({ id, lineage: lineageOf({ id, hops }), beganAt: fromColumn(began_at) }))
  }

  /** Marks them ended, unless they are, and with them their refresh tokens; answers those it ended. */
  end(tx: Tx, tenant: TenantId, ids: readonly string[], { at, reason, by, revocationId }: SessionEnd): Promise<EndedRow[]> {
    return tx.query<EndedRow>(ended, [tenant, ids, toColumn(at), reason, JSON.stringify(by), revocationId])
  }
}

// One that ran out has ended already, by itself.
const live = 'ended_at IS NULL AND expires_at > now() AND began_at <= $4::timestamptz'

const ended = `WITH ended AS (
    UPDATE sessions SET ended_at = $3::timestamptz, end_reason = $4, ended_by = $5, revocation_id = $6
    WHERE tenant = $1 AND id = ANY($2::uuid[]) AND ended_at IS NULL RETURNING id, issuer, sub
  ), refreshable AS (
    UPDATE refresh_tokens SET ended_at = $3::timestamptz WHERE tenant = $1 AND session_id IN (SELECT id FROM ended) AND ended_at IS NULL
  ), lineage AS (
    DELETE FROM session_lineage WHERE tenant = $1 AND session_id IN (SELECT id FROM ended)
  ) SELECT id, issuer, sub FROM ended`

/** The scope as a condition on a session's own columns; its values follow the five parameters every query has. */
function namedBy(scope: DecidedScope): { condition: string; values: string[] } {
  switch (scope.kind) {
    case 'session': return isSessionId(scope.id) ? { condition: 'id = $6', values: [scope.id] } : nobody
    case 'subject': return scope.issuer === '*' ? { condition: 'sub = $6', values: [scope.sub] } : { condition: 'sub = $6 AND issuer = $7', values: [scope.sub, scope.issuer] }
    case 'client': return { condition: 'client_id = $6', values: [scope.clientId] }
    case 'device': return { condition: 'device_id = $6', values: [scope.deviceId] }
    case 'agent': return { condition: 'agent_id = $6', values: [scope.agentId] }
    case 'grant': return { condition: 'grant_id = $6', values: [scope.grantId] }
    case 'tenant': return { condition: 'true', values: [] }
    case 'token':
    case 'key': return nobody
  }
}
const nobody = { condition: 'false', values: [] }
