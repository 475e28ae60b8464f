import type { MigrationInterface, QueryRunner } from 'typeorm'
import { tenantTable } from './tenant-table.adapter.js'

export type MigrationClass = new () => MigrationInterface

/** What every service has beside its own tables: outbox, inbox, idempotency keys. Dated before any service's own first migration. */
export function platformTables(service: string): MigrationClass {
  return class PlatformTables1000000000000 implements MigrationInterface {
    readonly name = 'PlatformTables1000000000000'

    async up(runner: QueryRunner): Promise<void> {
      await runner.query(outbox)
      // The rows still to be published, by topic so that none waits behind another, in the order of their ids, which is that of their making.
      await runner.query('CREATE INDEX outbox_unpublished ON outbox (topic, id) WHERE published_at IS NULL')
      await runner.query(`CREATE TABLE outbox_topic (tenant text NOT NULL DEFAULT '*', topic text PRIMARY KEY, topic_id text NOT NULL)`)
      await runner.query(inbox)
      await runner.query('CREATE INDEX inbox_seen_at ON inbox (seen_at)')
      await runner.query(idempotency)
      await runner.query('CREATE INDEX idempotency_reserved_at ON idempotency (reserved_at)')
      for (const table of ['outbox', 'outbox_topic', 'inbox', 'idempotency']) await tenantTable(runner, service, table)
    }

    async down(runner: QueryRunner): Promise<void> {
      for (const table of ['idempotency', 'inbox', 'outbox_topic', 'outbox']) await runner.query(`DROP TABLE ${table}`)
    }
  }
}

/**
 * `partition` is set when it had to be fixed at commit; without it the publisher chooses by the key. Every row is updated once, soon after it was
 * written: room is left in the page for that, and dead rows are cleared by their number, not in proportion to the hour of rows that is kept.
 */
const outbox = `CREATE TABLE outbox (
  id uuid PRIMARY KEY, tenant text NOT NULL, topic text NOT NULL, key text, partition integer, value bytea, headers jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  published_at timestamptz, topic_id text, leader_epoch integer, log_offset bigint,
  attempts integer NOT NULL DEFAULT 0, retry_at timestamptz, problem text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0.5)`

const inbox = `CREATE TABLE inbox (
  tenant text NOT NULL, consumer text NOT NULL, source text NOT NULL, event_id text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (tenant, consumer, source, event_id)
)`

/** `request` is a hash of client, route and key: callers choose keys, and a row keeps none of their text. */
const idempotency = `CREATE TABLE idempotency (
  tenant text NOT NULL, request bytea NOT NULL, request_hash text NOT NULL, id text NOT NULL,
  reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (tenant, request)
)`
