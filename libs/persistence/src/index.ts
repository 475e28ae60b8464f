export {
  Database, type DatabaseLog, type OutboxBacklog, type OutboxTicket, type RelayCounts, type Reservation, type Tx,
} from './database.js'
export { openDatabase, type OpenDatabaseOptions } from './open-database.adapter.js'
export { type OutboxStatement } from './outbox-statement.js'
export { type MigrationClass } from './platform-tables.migration.js'
export { tenantTable, type TableRight } from './tenant-table.adapter.js'
export { tableLogStore } from './table-log-store.adapter.js'
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.adapter.js'
export { embeddedPostgresHome } from './embedded-postgres-home.adapter.js'
export { removeEmbeddedPostgres } from './embedded-postgres-remove.adapter.js'
