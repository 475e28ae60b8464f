import type { OutgoingRecord } from '@curfew/bus'
import type { SessionFilter } from '@curfew/contracts'
import type { Instant, TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { IsNull, LessThan, LessThanOrEqual, MoreThan, Not, type FindOptionsWhere } from 'typeorm'
import { canonicalAddress } from '../inventory/ip-address.js'
import type { InventoriedSession } from '../inventory/inventoried-session.js'
import { selectorKey } from '../inventory/keyed-names.js'
import { inheritedSelectors } from '../inventory/session-claims.js'
import { toColumn } from './instant-column.js'
import { SessionEntity, sessionOfRow, type SessionRow } from './session.entity.js'

/** A refresh token as it is kept: by its keyed hash (I12). */
export interface KeptRefreshToken {
  readonly hash: string
  /** Stays the same over every rotation, so that the reuse of one ends them all. */
  readonly family: string
}

/** The inventory of one tenant's sessions, and their refresh tokens. */
@Injectable()
export class SessionStore {
  constructor(private readonly settings: ServiceSettings) {}

  /** The session, its lineage, its refresh token and the event that tells of it, in one statement, which is the transaction's last. */
  async add(tx: Tx, session: InventoriedSession, refreshToken: KeptRefreshToken, started: OutgoingRecord): Promise<void> {
    // Its own columns answer for the other selectors.
    const inheritedKeys = inheritedSelectors(session, this.settings.issuer).map(selectorKey)
    const { tenant, id, kind, subject, clientId, device, userAgent, ipAddress, authMethods, agentId, grantId, parentSessionId, hops } = session
    const parameters = [
      tenant, id, kind, subject.issuer, subject.sub, clientId, device?.id ?? null, device?.name ?? null, userAgent, ipAddress, authMethods, agentId, grantId,
      parentSessionId, JSON.stringify(hops), toColumn(session.beganAt), toColumn(session.authenticatedAt), toColumn(session.lastActiveAt), toColumn(session.expiresAt),
      inheritedKeys, refreshToken.hash, refreshToken.family,
    ]
    await tx.lastly(() => tx.queryWithOutbox({ with: issued, parameters, record: started }))
  }

  async find(tx: Tx, tenant: TenantId, id: string): Promise<InventoriedSession | undefined> {
    const row = await tx.manager.findOneBy(SessionEntity, { tenant, id })
    return row === null ? undefined : sessionOfRow(row)
  }

  /** Newest first, below `before`. */
  async page(tx: Tx, tenant: TenantId, filter: SessionFilter, before: string | undefined): Promise<InventoriedSession[]> {
    const rows = await tx.manager.find(SessionEntity, { where: wanted(tenant, { ...filter, issuer: issuerMeant(filter, this.settings.issuer) }, before, tx.now), order: { id: 'DESC' }, take: filter.limit + 1 })
    return rows.map(sessionOfRow)
  }

  /** Ends the refresh tokens a session has and gives it this one, in the same family. */
  async replaceRefreshToken(tx: Tx, session: InventoriedSession, refreshTokenHash: string): Promise<void> {
    await tx.query(replaced, [session.tenant, session.id, toColumn(tx.now), refreshTokenHash, toColumn(session.expiresAt)])
  }
}

const issued = `issued AS (
    INSERT INTO sessions (tenant, id, kind, issuer, sub, client_id, device_id, device_name, user_agent, ip_address, auth_methods, agent_id, grant_id,
      parent_session_id, hops, began_at, authenticated_at, last_active_at, expires_at)
    VALUES ($1::text, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::timestamptz, $19::timestamptz)
  ), lineage AS (
    INSERT INTO session_lineage (tenant, selector_key, session_id) SELECT $1::text, key, $2::uuid FROM unnest($20::text[]) AS key
  ), refreshable AS (
    INSERT INTO refresh_tokens (tenant, hash, family, session_id, issued_at, expires_at) VALUES ($1::text, $21, $22, $2::uuid, $18::timestamptz, $19::timestamptz)
  )`

const replaced = `WITH earlier AS (
    UPDATE refresh_tokens SET ended_at = coalesce(ended_at, $3::timestamptz) WHERE tenant = $1::text AND session_id = $2::uuid RETURNING family
  ) INSERT INTO refresh_tokens (tenant, hash, family, session_id, issued_at, expires_at)
    SELECT $1::text, $4, family, $2::uuid, $3::timestamptz, $5 FROM earlier LIMIT 1`

/** A subject whose issuer is not named is Curfew's own, as in a revocation; `*` is any issuer's. */
const issuerMeant = ({ issuer, sub }: SessionFilter, own: string): string | undefined =>
  (issuer === '*' ? undefined : issuer ?? (sub === undefined ? undefined : own))

/** What `status` means is told by two columns: a session that ran out has ended, though nobody wrote so. */
function wanted(tenant: TenantId, filter: SessionFilter, before: string | undefined, now: Instant): FindOptionsWhere<SessionRow>[] {
  const { sub, issuer, clientId, deviceId, agentId, grantId, kind, status } = filter
  const ipAddress = filter.ipAddress === undefined ? undefined : canonicalAddress(filter.ipAddress)
  const given = Object.entries({ sub, issuer, clientId, deviceId, agentId, grantId, kind, ipAddress }).filter(([, value]) => value !== undefined)
  const named: FindOptionsWhere<SessionRow> = { tenant, ...Object.fromEntries(given), ...(before !== undefined && { id: LessThan(before) }) }
  if (status === undefined) return [named]
  if (status === 'active') return [{ ...named, endedAt: IsNull(), expiresAt: MoreThan(now) }]
  return [{ ...named, endedAt: Not(IsNull()) }, { ...named, endedAt: IsNull(), expiresAt: LessThanOrEqual(now) }]
}
