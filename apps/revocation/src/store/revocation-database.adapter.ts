import type { Publisher } from '@curfew/bus'
import { openDatabase, type Database } from '@curfew/persistence'
import type { Platform } from '@curfew/service-kit'
import { GatewayRow } from './gateway.entity.js'
import { RevocationTables1795500000000 } from './revocation-tables.migration.js'

export const serviceName = 'revocation'

/** The service's own schema, migrated; its outbox is published through `publisher` from here on. */
export const openRevocationDatabase = ({ databaseUrl, clock, log }: Pick<Platform, 'databaseUrl' | 'clock' | 'log'>, publisher: Publisher): Promise<Database> => openDatabase({
  url: databaseUrl, service: serviceName, entities: [GatewayRow], migrations: [RevocationTables1795500000000], publisher, clock, log,
})
