export { Database, type OutboxTicket, type Reservation, type Tx } from './database.js'
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.adapter.js'
export { embeddedPostgresHome } from './embedded-postgres-home.adapter.js'
