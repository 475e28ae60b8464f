import { instant, toIso, type Instant, type TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import type { AuditRecord } from '../record-event/audit-record.js'
import { AuditEventRow } from './audit-event.entity.js'

/** A row read back; its words are for the index alone. */
export type KeptRecord = Omit<AuditRecord, 'words' | 'tenant'> & { readonly tenant: string }

/** The place of a row in the newest-first order. */
export interface RecordPlace {
  readonly time: Instant
  readonly id: string
}

export interface RecordSearch {
  readonly sub?: string
  readonly sessionHash?: string
  readonly revocationId?: string
  readonly actor?: string
  readonly kind?: string
  readonly outcome?: 'success' | 'failure'
  /** Inclusive. */
  readonly from?: Instant
  /** Exclusive. */
  readonly to?: Instant
  /** Each must begin one of the row's words; a single character must be one. */
  readonly words: readonly string[]
  readonly after?: RecordPlace
  readonly limit: number
}

@Injectable()
export class AuditEventStore {
  /** False when the row is there already; then nothing was written. Waits for a transaction that is writing the same one. */
  async record(tx: Tx, row: AuditRecord): Promise<boolean> {
    const { source } = row
    const written = await tx.query(
      `WITH recorded AS (
         INSERT INTO audit_event (tenant, id, time, recorded_at, kind, outcome, actor_kind, actor_id, subject_issuer, subject_sub, session_hash,
           revocation_id, reason, topic, partition, log_offset, event_id, event_source, content_hash, data)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (tenant, id) DO NOTHING RETURNING id),
       indexed AS (INSERT INTO audit_word (tenant, word, event_id) SELECT $1, word, id FROM recorded, unnest($21::text[]) AS word)
       SELECT id FROM recorded`,
      [row.tenant, row.id, toIso(row.time), toIso(row.recordedAt), row.kind, row.outcome, row.actor?.kind ?? null, row.actor?.id ?? null,
        row.subject?.issuer ?? null, row.subject?.sub ?? null, row.sessionHash, row.revocationId, row.reason, source.topic, source.partition,
        String(source.offset), source.eventId, source.eventSource, row.contentHash, JSON.stringify(row.data), row.words],
    )
    return written.length > 0
  }

  async contentHashOf(tx: Tx, tenant: TenantId, id: string): Promise<string | undefined> {
    const [row] = await tx.query<{ content_hash: string }>('SELECT content_hash FROM audit_event WHERE tenant = $1 AND id = $2', [tenant, id])
    return row?.content_hash
  }

  async find(tx: Tx, tenant: TenantId, id: string): Promise<KeptRecord | undefined> {
    const row = await tx.manager.findOneBy(AuditEventRow, { tenant, id })
    return row === null ? undefined : keptRecord(row)
  }

  /** Newest first, from after a place on. What was recorded before the first page was read is listed exactly once, whatever is recorded meanwhile. */
  async search(tx: Tx, tenant: TenantId, search: RecordSearch): Promise<KeptRecord[]> {
    const query = tx.manager.createQueryBuilder(AuditEventRow, 'e').where('e.tenant = :tenant', { tenant })
    const where = (condition: string, name: string, value: unknown): void => {
      if (value !== undefined) query.andWhere(condition, { [name]: value })
    }
    where('e.subject_sub = :sub', 'sub', search.sub)
    where('e.session_hash = :session', 'session', search.sessionHash)
    where('e.revocation_id = :revocation', 'revocation', search.revocationId)
    where('e.actor_id = :actor', 'actor', search.actor)
    where('e.kind = :kind', 'kind', search.kind)
    if (search.outcome !== undefined) query.andWhere(`e.outcome = '${search.outcome}'`) // A literal of ours, so that the partial index of failures matches.
    where('e.time >= :from', 'from', isoOf(search.from))
    where('e.time < :to', 'to', isoOf(search.to))
    search.words.forEach((word, at) => query.andWhere(
      `e.id IN (SELECT w.event_id FROM audit_word w WHERE w.tenant = :tenant AND w.word >= :word${at} AND w.word < :end${at})`,
      { [`word${at}`]: word, [`end${at}`]: endOf(word) },
    ))
    if (search.after) query.andWhere('(e.time, e.id) < (:time, :id)', { time: toIso(search.after.time), id: search.after.id })
    return (await query.orderBy('e.time', 'DESC').addOrderBy('e.id', 'DESC').limit(search.limit).getMany()).map(keptRecord)
  }
}

/**
 * Where the words that a word begins end, in the order of "C": no word holds U+10FFFF, the last character, and none NUL, the first. A single
 * character begins too many words to be worth listing them.
 */
const endOf = (word: string): string => `${word}${Array.from(word).length === 1 ? '\u0001' : '\u{10FFFF}'}`

const isoOf = (at: Instant | undefined): string | undefined => (at === undefined ? undefined : toIso(at))

const keptRecord = (row: AuditEventRow): KeptRecord => ({
  id: row.id, tenant: row.tenant, time: instant(row.time.getTime()), recordedAt: instant(row.recordedAt.getTime()), kind: row.kind, outcome: row.outcome,
  actor: row.actorId === null ? null : { kind: row.actorKind as NonNullable<AuditRecord['actor']>['kind'], id: row.actorId },
  subject: row.subjectSub === null ? null : { issuer: row.subjectIssuer ?? '', sub: row.subjectSub },
  sessionHash: row.sessionHash, revocationId: row.revocationId, reason: row.reason, contentHash: row.contentHash, data: row.data,
  source: { topic: row.topic, partition: row.partition, offset: BigInt(row.logOffset), eventId: row.eventId, eventSource: row.eventSource },
})
