export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.adapter.js'
export { embeddedPostgresHome } from './embedded-postgres-home.adapter.js'
