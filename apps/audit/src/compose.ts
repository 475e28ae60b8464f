import { routes } from '@curfew/contracts'
import { openDatabase } from '@curfew/persistence'
import type { Compose } from '@curfew/service-kit'
import { AuditModule } from './audit.module.js'
import { TRANSPORT } from './record-event/record-event.consumer.js'
import { AuditEventRow } from './store/audit-event.entity.js'
import { AuditEvents1795478400001 } from './store/audit-events.migration.js'

const name = 'audit'
/** The trail is read by people, after the fact. */
const gatherMs = 250

/** The audit service on a platform: its schema is migrated when this resolves. */
export const compose: Compose = async (platform) => {
  const database = await openDatabase({
    url: platform.databaseUrl, service: name, entities: [AuditEventRow], migrations: [AuditEvents1795478400001],
    publisher: platform.bus.publisher, clock: platform.clock, log: platform.log,
  })
  return {
    name, transport: TRANSPORT, gatherMs, routes: routes.filter(({ service }) => service === name), module: AuditModule.on(platform, database),
    unready: () => database.ping().then(() => undefined, () => 'the database does not answer'),
    close: () => database.close(),
  }
}
