import { Column, Entity, PrimaryColumn } from 'typeorm'

/** A lifecycle signal as it was received, and what it led to. Rows are written once and never change. */
@Entity('signal')
export class SignalRow {
  @PrimaryColumn('text') tenant: string
  /** Name-based over (tenant, source, signal id), so the primary key is what recognises a repeat. */
  @PrimaryColumn('uuid') id: string
  @Column('text') source: string
  @Column('text', { name: 'signal_id' }) signalId: string
  @Column('text') kind: string
  @Column('text') issuer: string
  @Column('text') sub: string
  @Column('timestamptz', { name: 'occurred_at' }) occurredAt: Date
  @Column('timestamptz', { name: 'received_at' }) receivedAt: Date
  @Column('text') state: string
  @Column('text', { name: 'content_hash' }) contentHash: string
  /** `json` and not `jsonb`: the sender's text stays as it was sent, escaped NULs included. */
  @Column('json') verbatim: unknown
  @Column('uuid', { name: 'revocation_ids', array: true }) revocationIds: string[]
  @Column('text', { nullable: true }) note: string | null
}
