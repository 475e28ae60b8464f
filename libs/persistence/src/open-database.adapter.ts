import type { Publisher } from '@curfew/bus'
import type { Clock } from '@curfew/kernel'
import { Pool, type ClientBase } from 'pg'
import { DataSource, type EntitySchema } from 'typeorm'
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js'
import { connectionTo, searchPath, type ServiceHome } from './connection.js'
import type { Database, DatabaseLog } from './database.js'
import { tellingOfLosses } from './lost-connection.js'
import { migrate, silent } from './migrate.adapter.js'
import { OutboxStore } from './outbox.store.js'
import { platformTables, type MigrationClass } from './platform-tables.migration.js'
import { PostgresDatabase } from './postgres-database.adapter.js'
import { Purge } from './purge.adapter.js'
import { Relay } from './relay.adapter.js'
import { withSchema } from './schema.adapter.js'
import { prepareConnection } from './session.adapter.js'
import { Sweeper } from './sweeper.adapter.js'
import { orUnavailable } from './unavailable.js'

export interface OpenDatabaseOptions {
  /** A login that may create roles and, in this database, schemas. */
  readonly url: string
  /** `revocation` becomes schema and role `curfew_revocation`. */
  readonly service: string
  readonly entities: readonly (EntitySchema | (new () => object))[]
  readonly migrations: readonly MigrationClass[]
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: DatabaseLog
  /** Transactions at a time; further ones wait two seconds for their turn. Default 10: more than two cores of a database can use, and four services of ten fit an ordinary server's hundred connections. */
  readonly poolSize?: number
  /** The longest a statement may take. Default 10,000: longer than any we mean to send, as bulk work goes in chunks, and far shorter than a staleness budget. */
  readonly statementTimeoutMs?: number
}

/** A request that waits this long for a connection would be too late for its caller. */
const turnWithinMs = 2000
/** After the server should have cancelled a statement: it hangs, or the network drops what is sent. */
const answerLaterMs = 2000
/** A transaction does not wait for anything but the database. */
const idleInTransactionMs = 30_000
/** The sweeper waits for acknowledgements with its rows locked. */
const sweepIdleMs = 60_000
/** Three sweeps, and marks, clock readings and a watermark's publication beside them. */
const backstageSize = 6

/** Opens a service's own schema, made and migrated to what this release needs, and starts the relay of its outbox. */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  try {
    return await open(options)
  } catch (error) {
    throw orUnavailable(error, 'being opened')
  }
}

async function open({ url, service, entities, migrations, publisher, clock, log, poolSize = 10, statementTimeoutMs = 10_000 }: OpenDatabaseOptions): Promise<Database> {
  const home = await withSchema(url, service, async (made) => {
    const done = await migrate(url, made, [platformTables(service), ...migrations])
    if (done.length > 0) log.info({ service, migrations: done }, 'the schema was migrated')
    return made
  })
  const source = await dataSource(url, home, entities, poolSize, statementTimeoutMs, log)
  const pool = (source.driver as PostgresDriver).master as Pool
  const backstage = backstagePool(url, home, statementTimeoutMs, log)
  const outbox = new OutboxStore(backstage)
  const relay = new Relay(publisher, outbox, log)
  const sweeper = new Sweeper(outbox, relay, () => clock.monotonicMs(), log)
  return new PostgresDatabase({ source, pool, backstage, outbox, relay, sweeper, purge: new Purge(backstage, outbox, log) })
}

const ofEveryConnection = (statementTimeoutMs: number) =>
  ({ connectionTimeoutMillis: turnWithinMs, query_timeout: statementTimeoutMs + answerLaterMs, keepAlive: true, idleTimeoutMillis: 300_000 })

/** TypeORM's pool serves the raw statements of the hot paths as well: one number says how many transactions run at a time. */
async function dataSource(
  url: string, home: ServiceHome, entities: OpenDatabaseOptions['entities'], poolSize: number, statementTimeoutMs: number, log: DatabaseLog,
): Promise<DataSource> {
  const { connectionString, application_name, options } = connectionTo(url, `${home.schema}`, {
    role: home.role, search_path: searchPath(home.schema), synchronous_commit: 'on', statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(idleInTransactionMs),
  })
  const source = new DataSource({
    type: 'postgres', url: connectionString, applicationName: application_name, poolSize, installExtensions: false, uuidExtension: 'pgcrypto', logger: silent,
    entities: [...entities], poolErrorHandler: () => undefined,
    // Statements need not wait for the answer to the one before them, so a transaction may send several in one flight.
    extra: { ...ofEveryConnection(statementTimeoutMs), options, pipeline: true, onConnect: (client: ClientBase) => prepareConnection(client) },
  })
  await source.initialize()
  const pool = (source.driver as PostgresDriver).master as Pool
  pool.on('error', tellingOfLosses(pool, log))
  return source
}

/** Commits of the relay do not wait for the disk: a mark that a crash loses is one more publication. */
function backstagePool(url: string, home: ServiceHome, statementTimeoutMs: number, log: DatabaseLog): Pool {
  const settings = connectionTo(url, `${home.schema}-relay`, {
    role: home.role, search_path: searchPath(home.schema), 'curfew.tenant': '*', synchronous_commit: 'off', statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(sweepIdleMs),
  })
  const pool = new Pool({ ...ofEveryConnection(statementTimeoutMs), ...settings, max: backstageSize })
  pool.on('error', tellingOfLosses(pool, log))
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}
