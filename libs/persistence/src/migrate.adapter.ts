import { DataSource, type Logger } from 'typeorm'
import { connectionTo, searchPath, type ServiceHome } from './connection.js'
import type { MigrationClass } from './platform-tables.migration.js'

/**
 * Runs what is missing of `migrations`, each in a transaction of its own, as the owner of the schema. The caller holds the lock.
 * Migrations see the rows of every tenant, and have no time limit: a large table takes as long as it takes.
 */
export async function migrate(url: string, home: ServiceHome, migrations: readonly MigrationClass[]): Promise<string[]> {
  const { connectionString, application_name, options } = connectionTo(url, `${home.schema}-migrations`,
    { role: home.owner, search_path: searchPath(home.schema), 'curfew.tenant': '*' })
  const source = new DataSource({
    type: 'postgres', url: connectionString, applicationName: application_name, extra: { options, max: 2 }, installExtensions: false, logger: silent,
    migrations: [...migrations], migrationsTableName: 'migrations', migrationsTransactionMode: 'each',
  })
  try {
    await source.initialize()
    return (await source.runMigrations()).map(({ name }) => name)
  } finally {
    if (source.isInitialized) await source.destroy()
  }
}

/** TypeORM would print to the console; what fails is thrown, and what was done is answered. */
export const silent: Logger = {
  logQuery: () => undefined, logQueryError: () => undefined, logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined, logMigration: () => undefined, log: () => undefined,
}
