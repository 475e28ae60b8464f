import { routes } from '@curfew/contracts'
import { openDatabase } from '@curfew/persistence'
import type { Compose } from '@curfew/service-kit'
import { LifecycleModule } from './lifecycle.module.js'
import { TRANSPORT } from './receive-signal/receive-signal.consumer.js'
import { SignalRow } from './store/signal.entity.js'
import { Signals1795478400000 } from './store/signals.migration.js'

const name = 'lifecycle'

/** The lifecycle service on a platform: its schema is migrated and its outbox is being published when this resolves. */
export const compose: Compose = async (platform) => {
  const database = await openDatabase({
    url: platform.databaseUrl, service: name, entities: [SignalRow], migrations: [Signals1795478400000],
    publisher: platform.bus.publisher, clock: platform.clock, log: platform.log,
  })
  return {
    name, transport: TRANSPORT, routes: routes.filter(({ service }) => service === name), module: LifecycleModule.on(platform, database),
    unready: () => database.ping().then(() => undefined, () => 'the database does not answer'),
    close: () => database.close(),
  }
}
