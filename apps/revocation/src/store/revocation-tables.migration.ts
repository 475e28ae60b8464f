import { tenantTable } from '@curfew/persistence'
import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The service's own tables: what was decided, who is held, the fleet, and the feed itself. */
export class RevocationTables1795500000000 implements MigrationInterface {
  readonly name = 'RevocationTables1795500000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [revocations, ...revocationIndexes, quarantines, gateways, ...feed]) await runner.query(statement)
    for (const table of ['revocations', 'quarantines', 'gateways', 'feed_topic', 'feed_loop', 'feed_keys']) await tenantTable(runner, 'revocation', table)
    // Every tenant's transaction asks into how many partitions it writes; only the loop, which is of every tenant, may change it.
    await runner.query('CREATE POLICY asked_by_all ON feed_topic FOR SELECT USING (true)')
    for (const statement of publishedTrigger) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER revocations_published ON outbox')
    await runner.query('DROP FUNCTION note_published_revocations')
    for (const table of ['feed_keys', 'feed_loop', 'feed_topic', 'gateways', 'quarantines', 'revocations']) await runner.query(`DROP TABLE ${table}`)
  }
}

/**
 * `record` is what gateways obey, as text (json, not jsonb), so that publishing it again is the same record to the byte; the columns beside it are what is
 * searched. `cutoff` is infinity where the scope is absolute. `live` falls when
 * an entry is forgotten (I8), and takes the row out of the index that verdicts and snapshots read; the row itself is kept as a record.
 */
const revocations = `CREATE TABLE revocations (
  tenant text NOT NULL, id uuid NOT NULL, kind text NOT NULL, sub text, selector text NOT NULL, selector_hash bytea NOT NULL,
  cutoff timestamptz NOT NULL, decided_at timestamptz NOT NULL, forget_after timestamptz NOT NULL, live boolean NOT NULL DEFAULT true,
  published_at timestamptz, fingerprint text NOT NULL, record json NOT NULL, PRIMARY KEY (tenant, id)
) WITH (fillfactor = 80)`

const revocationIndexes = [
  // The tenant stands last: one signing key may be named by several of them.
  'CREATE INDEX revocations_live ON revocations (selector_hash, cutoff, id, tenant) WHERE live',
  'CREATE INDEX revocations_newest ON revocations (tenant, decided_at, id)',
  'CREATE INDEX revocations_of_subject ON revocations (tenant, sub, decided_at, id) WHERE sub IS NOT NULL',
]

/** Every change of an agent's flag; the one with the highest version holds. */
const quarantines = `CREATE TABLE quarantines (
  tenant text NOT NULL, id uuid NOT NULL, agent_id text NOT NULL, version bigint NOT NULL, forget_after timestamptz NOT NULL,
  fingerprint text NOT NULL, record json NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, agent_id, version)
)`

/** `place` orders the fleet for paging. An id belongs to the client that registered it first. */
const gateways = `CREATE TABLE gateways (
  tenant text NOT NULL, id text NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY, client_id text NOT NULL, registration jsonb NOT NULL,
  registered_at timestamptz, renewed_at timestamptz NOT NULL, lease_until timestamptz NOT NULL, PRIMARY KEY (tenant, id)
) WITH (fillfactor = 50)`

/**
 * The feed: into how many partitions of which incarnation of the topic we publish; the watermark's T and whose turn the loop is; the keys that
 * sign. `republish_after` is how far a recreated topic has been filled again, NULL when it is.
 */
const feed = [
  `CREATE TABLE feed_topic (
    tenant text NOT NULL DEFAULT '*', topic text PRIMARY KEY, topic_id text, partitions integer NOT NULL CHECK (partitions > 0), republish_after jsonb
  )`,
  `CREATE TABLE feed_loop (
    tenant text NOT NULL DEFAULT '*', name text PRIMARY KEY, at timestamptz NOT NULL, holder uuid, held_until timestamptz NOT NULL
  )`,
  `INSERT INTO feed_loop (name, at, held_until) VALUES ('watermarks', '-infinity', '-infinity')`,
  `CREATE TABLE feed_keys (
    tenant text NOT NULL DEFAULT '*', role text PRIMARY KEY, kid text NOT NULL, public_jwk jsonb NOT NULL, sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`,
]

/**
 * A revocation is published when its outbox row is, in the same commit and whichever process marks it; outbox rows go after a while,
 * this instant stays. The first acknowledgement counts: a record that is published again was published before.
 */
const publishedTrigger = [
  // Row by row on purpose: joined as a set, the whole table is read for each mark wherever PostgreSQL expects it to be small.
  `CREATE FUNCTION note_published_revocations() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE mark record; BEGIN
    FOR mark IN SELECT tenant, (headers->>'ce_id')::uuid AS id, published_at FROM marked
      WHERE topic = 'curfew.revocations.v1' AND published_at IS NOT NULL AND headers->>'ce_type' = 'curfew.revocation.decided'
    LOOP
      UPDATE revocations SET published_at = mark.published_at WHERE tenant = mark.tenant AND id = mark.id AND published_at IS NULL;
    END LOOP;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER revocations_published AFTER UPDATE ON outbox REFERENCING NEW TABLE AS marked
    FOR EACH STATEMENT EXECUTE FUNCTION note_published_revocations()`,
]
