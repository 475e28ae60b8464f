import { tenantTable } from '@curfew/persistence'
import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Everything the session service keeps. Every query names the tenant, so every index leads with it. */
export class FirstTables1764000000000 implements MigrationInterface {
  readonly name = 'FirstTables1764000000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...inventory, ...credentials]) await runner.query(statement)
    for (const table of tables) await tenantTable(runner, 'session', table)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [...tables].reverse()) await runner.query(`DROP TABLE ${table}`)
  }
}

const tables = ['sessions', 'session_lineage', 'refresh_tokens', 'cutoffs', 'issuers', 'clients', 'client_secrets', 'signing_keys']

/** Ids grow with time, so each of these serves a filter newest first, and an ending in the order of its chunks. */
const sessionIndex = (name: string, column: string, where = ''): string => `CREATE INDEX sessions_by_${name} ON sessions (tenant, ${column}, id)${where}`

const inventory = [
  `CREATE TABLE sessions (
    tenant text NOT NULL, id uuid NOT NULL, kind text NOT NULL, issuer text NOT NULL, sub text NOT NULL, client_id text NOT NULL,
    device_id text, device_name text, user_agent text, ip_address text, auth_methods text[] NOT NULL, agent_id text, grant_id text,
    parent_session_id uuid, hops jsonb NOT NULL, began_at timestamptz(3) NOT NULL, authenticated_at timestamptz(3) NOT NULL,
    last_active_at timestamptz(3) NOT NULL, expires_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3), end_reason text, ended_by jsonb, revocation_id uuid, PRIMARY KEY (tenant, id),
    CHECK (num_nulls(ended_at, end_reason, ended_by, revocation_id) IN (0, 4))
  )`,
  sessionIndex('subject', 'sub'),
  sessionIndex('client', 'client_id'),
  sessionIndex('device', 'device_id', ' WHERE device_id IS NOT NULL'),
  sessionIndex('agent', 'agent_id', ' WHERE agent_id IS NOT NULL'),
  sessionIndex('grant', 'grant_id', ' WHERE grant_id IS NOT NULL'),
  sessionIndex('address', 'ip_address', ' WHERE ip_address IS NOT NULL'),
  sessionIndex('kind', 'kind', ` WHERE kind <> 'person'`),
  'CREATE INDEX sessions_live ON sessions (tenant, id) WHERE ended_at IS NULL',
  // What could end a derived session beyond its own columns. A selector is kept as its hash: it may be longer than an index row takes.
  `CREATE TABLE session_lineage (
    tenant text NOT NULL, selector_key text NOT NULL, session_id uuid NOT NULL, PRIMARY KEY (tenant, selector_key, session_id),
    FOREIGN KEY (tenant, session_id) REFERENCES sessions ON DELETE CASCADE
  )`,
  'CREATE INDEX session_lineage_by_session ON session_lineage (tenant, session_id)',
  // Keyed hashes only (I12). `family` stays the same over every rotation.
  `CREATE TABLE refresh_tokens (
    tenant text NOT NULL, hash text NOT NULL, family uuid NOT NULL, session_id uuid NOT NULL, issued_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL, ended_at timestamptz(3), PRIMARY KEY (tenant, hash),
    FOREIGN KEY (tenant, session_id) REFERENCES sessions ON DELETE CASCADE
  )`,
  'CREATE INDEX refresh_tokens_by_session ON refresh_tokens (tenant, session_id)',
  // The merged entry of each selector that was revoked: a null cutoff is absolute, a null in an exception is "spared by all".
  `CREATE TABLE cutoffs (
    tenant text NOT NULL, selector_key text NOT NULL, selector text NOT NULL, cutoff_ms bigint, exceptions jsonb NOT NULL, forget_after timestamptz(3) NOT NULL,
    sweeping uuid, PRIMARY KEY (tenant, selector_key)
  )`,
  'CREATE INDEX cutoffs_to_forget ON cutoffs (tenant, forget_after)',
]

const credentials = [
  `CREATE TABLE issuers (
    tenant text NOT NULL, id text NOT NULL, issuer text NOT NULL, jwks_uri text, audiences text[] NOT NULL, began_at_claim text NOT NULL,
    updated_at timestamptz(3) NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, issuer)
  )`,
  // A client authenticates before its tenant is known, so its id is unique in the deployment.
  `CREATE TABLE clients (
    client_id text PRIMARY KEY, tenant text NOT NULL, name text, scopes text[] NOT NULL, enabled boolean NOT NULL, created_at timestamptz(3) NOT NULL
  )`,
  `CREATE TABLE client_secrets (
    id uuid PRIMARY KEY, tenant text NOT NULL, client_id text NOT NULL REFERENCES clients ON DELETE CASCADE, hash text NOT NULL,
    created_at timestamptz(3) NOT NULL, expires_at timestamptz(3)
  )`,
  'CREATE INDEX client_secrets_by_client ON client_secrets (client_id)',
  'CREATE UNIQUE INDEX client_secrets_one_current ON client_secrets (client_id) WHERE expires_at IS NULL',
  `CREATE TABLE signing_keys (
    kid text PRIMARY KEY, tenant text NOT NULL CHECK (tenant = '*'), alg text NOT NULL, public_jwk jsonb NOT NULL, private_sealed bytea NOT NULL,
    created_at timestamptz(3) NOT NULL, retired_at timestamptz(3), withdrawn boolean NOT NULL
  )`,
]
