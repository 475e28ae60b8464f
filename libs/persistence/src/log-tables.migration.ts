import type { MigrationInterface, QueryRunner } from 'typeorm'
import { serviceHome } from './connection.js'

/**
 * The log of the embedded profile. It stands in for a broker, so its rows belong to topics and not to tenants: there is no row security here,
 * and only the bus works under this role.
 */
export class LogTables1000000000000 implements MigrationInterface {
  readonly name = 'LogTables1000000000000'

  async up(runner: QueryRunner): Promise<void> {
    const { role } = serviceHome('log')
    await runner.query('CREATE TABLE topic (ref integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, topic_id uuid NOT NULL DEFAULT gen_random_uuid())')
    await runner.query(`CREATE TABLE topic_partition (ref integer REFERENCES topic, partition integer, first bigint NOT NULL DEFAULT 0, next bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (ref, partition)) WITH (fillfactor = 50)`)
    await runner.query(`CREATE TABLE record (ref integer NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, at bigint NOT NULL, transient boolean NOT NULL,
      key text, value bytea, headers jsonb NOT NULL, PRIMARY KEY (ref, partition, "offset"))`)
    await runner.query('CREATE INDEX record_transient ON record (ref, at) WHERE transient')
    await runner.query(`CREATE TABLE committed (consumer text, ref integer REFERENCES topic, partition integer, next bigint NOT NULL,
      PRIMARY KEY (consumer, ref, partition)) WITH (fillfactor = 50)`)
    await runner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON topic, topic_partition, record, committed TO ${role}`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE committed, record, topic_partition, topic')
  }
}
