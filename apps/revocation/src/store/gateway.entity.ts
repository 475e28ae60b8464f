import type { GatewayRegistration } from '@curfew/contracts'
import { instant, type Instant } from '@curfew/kernel'
import { Column, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm'

/** Instants are kept to the millisecond, so nothing is lost between the two. */
const asInstant: ValueTransformer = {
  to: (at: Instant | null) => (at === null ? null : new Date(at)),
  from: (date: Date | null) => (date === null ? null : instant(date.getTime())),
}

/** A member of the fleet. It is written by statements of its own; TypeORM reads and deletes it. */
@Entity({ name: 'gateways' })
export class GatewayRow {
  @PrimaryColumn({ type: 'text' })
  tenant: string

  @PrimaryColumn({ type: 'text' })
  id: string

  /** The order of first registrations. */
  @Column({ type: 'bigint', insert: false, update: false })
  place: string

  @Column({ name: 'client_id', type: 'text' })
  clientId: string

  @Column({ type: 'jsonb' })
  registration: GatewayRegistration

  @Column({ name: 'registered_at', type: 'timestamptz', nullable: true, transformer: asInstant })
  registeredAt: Instant | null

  @Column({ name: 'renewed_at', type: 'timestamptz', transformer: asInstant })
  renewedAt: Instant

  @Column({ name: 'lease_until', type: 'timestamptz', transformer: asInstant })
  leaseUntil: Instant
}
