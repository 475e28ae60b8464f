import { tenantTable } from '@curfew/persistence'
import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The trail is append-only for the service itself: it may insert and read, and nothing else. Every filter has an index that leads with the tenant
 * and ends in the order of the answer (time, id), so that a page costs what it shows and not what there is.
 *
 * Full text is a table of words and not a `tsvector`: under row-level security PostgreSQL uses an index only for leakproof operators, which
 * comparisons of text are and `@@` and LIKE are not; a GIN index would stand there and never serve. `COLLATE "C"` makes a prefix a range.
 *
 * Not partitioned yet: partitions by `recorded_at` will make retention a DROP, once the identity of a row has a table of its own.
 */
export class AuditEvents1795478400001 implements MigrationInterface {
  name = 'AuditEvents1795478400001'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE audit_event (
      tenant text NOT NULL, id uuid NOT NULL, time timestamptz NOT NULL, recorded_at timestamptz NOT NULL, kind text NOT NULL,
      outcome text NOT NULL CHECK (outcome IN ('success', 'failure')), actor_kind text, actor_id text, subject_issuer text, subject_sub text,
      session_hash text, revocation_id text, reason text, topic text NOT NULL, partition integer NOT NULL, log_offset bigint NOT NULL,
      event_id text NOT NULL, event_source text NOT NULL, content_hash text NOT NULL, data jsonb NOT NULL, PRIMARY KEY (tenant, id))`)
    await runner.query('CREATE INDEX audit_event_newest ON audit_event (tenant, time DESC, id DESC)')
    await runner.query('CREATE INDEX audit_event_of_kind ON audit_event (tenant, kind, time DESC, id DESC)')
    // Failures are few among many; successes are better found by time.
    await runner.query(`CREATE INDEX audit_event_failed ON audit_event (tenant, time DESC, id DESC) WHERE outcome = 'failure'`)
    for (const column of ['actor_id', 'subject_sub', 'session_hash', 'revocation_id']) {
      await runner.query(`CREATE INDEX audit_event_of_${column} ON audit_event (tenant, ${column}, time DESC, id DESC) WHERE ${column} IS NOT NULL`)
    }
    await runner.query(`CREATE TABLE audit_word (
      tenant text NOT NULL, word text COLLATE "C" NOT NULL, event_id uuid NOT NULL, PRIMARY KEY (tenant, word, event_id))`)
    for (const table of ['audit_event', 'audit_word']) await tenantTable(runner, 'audit', table, ['SELECT', 'INSERT'])
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_word, audit_event')
  }
}
