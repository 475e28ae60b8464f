import type { GatewayRegistration } from '@curfew/contracts'
import { instant, toIso, type Instant, type TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { MoreThan } from 'typeorm'
import { leaseUntil, type FleetMember } from '../gateways/lease.js'
import { GatewayRow } from './gateway.entity.js'

/** A member and its place in the fleet's order. */
export interface PlacedMember {
  readonly place: string
  readonly member: FleetMember
}

export interface Renewal {
  /** Undefined when this renewal is a registration: the instant is to be read after it is committed. */
  readonly registeredAt: Instant | undefined
}

const ms = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8 AS at`

/** A lapsed lease makes the renewal a registration anew. Whoever registered the id first keeps it. */
const renew = `INSERT INTO gateways (tenant, id, client_id, registration, renewed_at, lease_until) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (tenant, id) DO UPDATE SET registration = excluded.registration, renewed_at = excluded.renewed_at, lease_until = excluded.lease_until,
    registered_at = CASE WHEN gateways.lease_until <= excluded.renewed_at THEN NULL ELSE gateways.registered_at END
  WHERE gateways.client_id = excluded.client_id
  RETURNING ${ms('registered_at')}`

/** Rounded up: a watermark at or past it is past the commit of the registration, and not up to a millisecond short of it. */
const confirm = `UPDATE gateways SET registered_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond'
  WHERE tenant = $1 AND id = $2 AND registered_at IS NULL`

export class GatewaysStore {
  /** Undefined when the id belongs to another client. */
  async renew(tx: Tx, tenant: TenantId, id: string, clientId: string, registration: GatewayRegistration): Promise<Renewal | undefined> {
    const [row] = await tx.query<{ at: number | null }>(renew, [tenant, id, clientId, JSON.stringify(registration), toIso(tx.now), toIso(leaseUntil(tx.now, registration.budgetMs))])
    return row === undefined ? undefined : { registeredAt: row.at === null ? undefined : instant(row.at) }
  }

  /** Writes the primary's clock down as the instant of a registration that is committed, once; undefined when the gateway has left meanwhile. */
  async confirm(tx: Tx, tenant: TenantId, id: string): Promise<Instant | undefined> {
    await tx.query(confirm, [tenant, id])
    const [row] = await tx.query<{ at: number | null }>(`SELECT ${ms('registered_at')} FROM gateways WHERE tenant = $1 AND id = $2`, [tenant, id])
    return row === undefined || row.at === null ? undefined : instant(row.at)
  }

  async find(tx: Tx, tenant: TenantId, id: string): Promise<FleetMember | undefined> {
    const row = await tx.manager.findOneBy(GatewayRow, { tenant, id })
    return row === null ? undefined : memberOf(row)
  }

  async list(tx: Tx, tenant: TenantId, afterPlace: string, limit: number): Promise<PlacedMember[]> {
    const rows = await tx.manager.find(GatewayRow, { where: { tenant, place: MoreThan(afterPlace) }, order: { place: 'ASC' }, take: limit })
    return rows.map((row) => ({ place: row.place, member: memberOf(row) }))
  }

  async remove(tx: Tx, tenant: TenantId, id: string): Promise<void> {
    await tx.manager.delete(GatewayRow, { tenant, id })
  }
}

const memberOf = ({ id, clientId, registration, registeredAt, renewedAt, leaseUntil }: GatewayRow): FleetMember =>
  ({ id, clientId, registration, renewedAt, leaseUntil, ...(registeredAt === null ? {} : { registeredAt }) })
