import { routes } from '@curfew/contracts'
import { openDatabase } from '@curfew/persistence'
import type { Compose } from '@curfew/service-kit'
import { SigningKeyring } from './keys/signing-keys.handler.js'
import { SessionModule } from './session.module.js'
import { ClientEntity, ClientSecretEntity } from './store/client.entity.js'
import { FirstTables1764000000000 } from './store/first.migration.js'
import { IssuerEntity } from './store/issuer.entity.js'
import { SessionEntity } from './store/session.entity.js'
import { SigningKeyEntity } from './store/signing-key.entity.js'
import { SigningKeyStore } from './store/signing-key.store.js'
import { TRANSPORT } from './transport.js'

const name = 'session'
/** The inventory follows the feed; what is refused does not wait for it. */
const gatherMs = 250

/** The session service on a platform: its schema is migrated and its signing key exists when this resolves. */
export const compose: Compose = async (platform) => {
  const { databaseUrl: url, bus, clock, log, secrets } = platform
  const database = await openDatabase({
    url, service: name, entities: [SessionEntity, IssuerEntity, ClientEntity, ClientSecretEntity, SigningKeyEntity], migrations: [FirstTables1764000000000],
    publisher: bus.publisher, clock, log,
  })
  try {
    const keys = await new SigningKeyring(database, secrets, new SigningKeyStore()).open()
    return {
      name, transport: TRANSPORT, gatherMs, routes: routes.filter(({ service }) => service === name), module: SessionModule.on(platform, database, keys),
      unready: () => database.ping().then(() => undefined, () => 'the database does not answer'),
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}
