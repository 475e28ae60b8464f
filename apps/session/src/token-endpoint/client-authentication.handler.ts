import { timingSafeEqual } from 'node:crypto'
import type { Instant } from '@curfew/kernel'
import { Database } from '@curfew/persistence'
import { DerivedSecrets, OAuthFault, ServiceSettings } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { BootstrapClient } from '../clients/bootstrap-client.js'
import { isLive, type OAuthClient } from '../clients/change-client.js'
import { clientSecretHash } from '../inventory/keyed-names.js'
import { ClientStore, type AuthenticatedClient } from '../store/client.store.js'
import { FailedAttempts } from './failed-attempts.adapter.js'
import type { ClientCredentials } from './token-request.js'

export interface ProvenClient {
  readonly client: OAuthClient
  /** The primary's instant at which it proved who it is: what its tokens begin with. */
  readonly provenAt: Instant
}

/** Establishes a client by its secret. An unknown id, a wrong secret, a disabled client and one of a tenant no longer served are told apart by nobody outside. */
@Injectable()
export class ClientAuthentication {
  constructor(
    private readonly database: Database, private readonly clients: ClientStore, private readonly bootstrap: BootstrapClient, private readonly secrets: DerivedSecrets,
    private readonly failures: FailedAttempts, private readonly settings: ServiceSettings,
  ) {}

  async prove({ clientId, secrets }: ClientCredentials, from: string): Promise<ProvenClient> {
    await this.failures.assertFew({ clientId, from })
    // The tenant is not known before the client is: this is the one lookup across all of them.
    const { found, now } = await this.database.transactEverywhere(async (tx) => ({ found: await this.clients.authenticating(tx, clientId), now: tx.now }))
    const client = this.bootstrap.isNamed(clientId) ? this.asBootstrap(secrets) : this.asKept(found, secrets, now)
    if (client !== undefined) return { client, provenAt: now }
    await this.failures.count({ clientId, from })
    throw new OAuthFault('invalid_client', 'the client is unknown, disabled or gave another secret')
  }

  private asBootstrap(given: readonly string[]): OAuthClient | undefined {
    return given.map((each) => this.bootstrap.isSecret(each)).includes(true) ? this.bootstrap.client : undefined
  }

  /** Every reading is compared with every secret: how long it takes says nothing about how near a guess came. */
  private asKept(found: AuthenticatedClient | undefined, given: readonly string[], now: Instant): OAuthClient | undefined {
    const kept = (found?.secrets ?? []).filter((each) => isLive(each, now)).map(({ hash }) => hash)
    const hashes = given.map((each) => clientSecretHash(this.secrets, found?.client.tenant ?? 'nobody', each))
    const isRight = hashes.flatMap((hash) => [...kept, noHash].map((each) => isSame(hash, each))).includes(true)
    const isOpen = found !== undefined && found.client.enabled && this.settings.tenants.includes(found.client.tenant)
    return isOpen && isRight ? found.client : undefined
  }
}

/** As long as a hash, and made of a character that none has. */
const noHash = '.'.repeat(22)
const isSame = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
