import { tenantTable } from '@curfew/persistence'
import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * There is no unique index over (tenant, source, signal_id): the id derives from them, and their texts may be longer than an index takes.
 * The lists are newest first, so each index ends in (received_at, id).
 */
export class Signals1795478400000 implements MigrationInterface {
  name = 'Signals1795478400000'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE signal (
      tenant text NOT NULL, id uuid NOT NULL, source text NOT NULL, signal_id text NOT NULL, kind text NOT NULL, issuer text NOT NULL, sub text NOT NULL,
      occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, state text NOT NULL CHECK (state IN ('applied', 'ignored')),
      content_hash text NOT NULL, verbatim json NOT NULL, revocation_ids uuid[] NOT NULL, note text, PRIMARY KEY (tenant, id))`)
    await runner.query('CREATE INDEX signal_newest ON signal (tenant, received_at DESC, id DESC)')
    await runner.query('CREATE INDEX signal_of_subject ON signal (tenant, sub, received_at DESC, id DESC)')
    await runner.query('CREATE INDEX signal_of_kind ON signal (tenant, kind, received_at DESC, id DESC)')
    // Written once: no right to change or delete what was received.
    await tenantTable(runner, 'lifecycle', 'signal', ['SELECT', 'INSERT'])
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signal')
  }
}
