import { Column, Entity, PrimaryColumn } from 'typeorm'

/** One row of the trail. Rows are written once and never change. */
@Entity('audit_event')
export class AuditEventRow {
  @PrimaryColumn('text') tenant: string
  /** Name-based over (tenant, topic, source, event id), so the primary key is what recognises a repeat. */
  @PrimaryColumn('uuid') id: string
  @Column('timestamptz') time: Date
  @Column('timestamptz', { name: 'recorded_at' }) recordedAt: Date
  @Column('text') kind: string
  @Column('text') outcome: 'success' | 'failure'
  @Column('text', { name: 'actor_kind', nullable: true }) actorKind: string | null
  @Column('text', { name: 'actor_id', nullable: true }) actorId: string | null
  @Column('text', { name: 'subject_issuer', nullable: true }) subjectIssuer: string | null
  @Column('text', { name: 'subject_sub', nullable: true }) subjectSub: string | null
  @Column('text', { name: 'session_hash', nullable: true }) sessionHash: string | null
  @Column('text', { name: 'revocation_id', nullable: true }) revocationId: string | null
  @Column('text', { nullable: true }) reason: string | null
  @Column('text') topic: string
  @Column('integer') partition: number
  /** Decimal text: an offset may exceed 2^53. */
  @Column('bigint', { name: 'log_offset' }) logOffset: string
  @Column('text', { name: 'event_id' }) eventId: string
  @Column('text', { name: 'event_source' }) eventSource: string
  @Column('text', { name: 'content_hash' }) contentHash: string
  @Column('jsonb') data: unknown
}
