import { randomBytes, randomUUID } from 'node:crypto'
import { Fault } from '@curfew/contracts'
import { Secret, type TenantId } from '@curfew/kernel'
import { Database, type Reservation, type Tx } from '@curfew/persistence'
import { DerivedSecrets, requestHashOf, type KnownCaller } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { clientSecretHash } from '../inventory/keyed-names.js'
import { ClientStore, type AuthenticatedClient } from '../store/client.store.js'
import { BootstrapClient } from './bootstrap-client.js'
import { changeClient, isLive, rotateSecret, type ClientChange, type ClientSecret, type OAuthClient } from './change-client.js'

export interface ChangedClient {
  readonly client: OAuthClient
  readonly isNew: boolean
  /** Present when the client was created or its secret rotated: the only time it is ever known. */
  readonly secret?: Secret
}

export interface ChangeRequest {
  readonly caller: KnownCaller
  readonly clientId: string
  readonly change: ClientChange & { readonly rotateSecret?: boolean | undefined }
  readonly idempotencyKey: string | undefined
}

/** Manages the OAuth clients of the caller's tenant. */
@Injectable()
export class ClientsHandler {
  constructor(
    private readonly database: Database, private readonly clients: ClientStore, private readonly bootstrap: BootstrapClient, private readonly secrets: DerivedSecrets,
  ) {}

  /**
   * Creates or changes a client. A repeat with the same idempotency key changes nothing again, lest a late one undo what was changed since; if
   * the first try made a secret, which the caller may never have seen, the repeat makes another in its place.
   */
  change(asked: ChangeRequest): Promise<ChangedClient> {
    const { caller: { tenant }, clientId, change } = asked
    if (this.bootstrap.isNamed(clientId)) throw new Fault('client.protected')
    return this.database.transact(tenant, async (tx) => {
      const known = await this.clients.lock(tx, tenant, clientId)
      const { id: secretId, repeated } = await this.reserveSecretId(tx, asked)
      if (repeated) return this.again(tx, known, secretId)
      const client = changeClient(known?.client, change, { tenant, clientId }, tx.now)
      if (!(await this.clients.save(tx, client))) throw new Fault('client.unknown')
      const isNew = known === undefined
      if (!isNew && change.rotateSecret !== true) return { client, isNew }
      const { secret, kept } = this.newSecret(client, { id: secretId, createdAt: tx.now, expiresAt: null })
      await this.clients.replaceSecrets(tx, client, rotateSecret(known?.secrets ?? [], kept))
      return { client, isNew, secret }
    })
  }

  show(tenant: TenantId, clientId: string): Promise<OAuthClient> {
    if (this.bootstrap.isNamed(clientId) && this.bootstrap.client.tenant === tenant) return Promise.resolve(this.bootstrap.client)
    return this.database.transact(tenant, async (tx) => {
      const client = await this.clients.find(tx, tenant, clientId)
      if (client === undefined) throw new Fault('client.unknown')
      return client
    })
  }

  remove(tenant: TenantId, clientId: string): Promise<void> {
    if (this.bootstrap.isNamed(clientId)) throw new Fault('client.protected')
    return this.database.transact(tenant, async (tx) => {
      // Whoever changes the client meanwhile would write back what he read, its secrets too.
      await this.clients.lock(tx, tenant, clientId)
      if (!(await this.clients.remove(tx, tenant, clientId))) throw new Fault('client.unknown')
    })
  }

  /** What the first try made is made again; a secret that was rotated out since, and a client that was deleted, stay so: whoever still wants one asks under another key. */
  private async again(tx: Tx, known: AuthenticatedClient | undefined, secretId: string): Promise<ChangedClient> {
    if (known === undefined) throw new Fault('client.unknown')
    const { client, secrets } = known
    const lost = secrets.find((each) => each.id === secretId && isLive(each, tx.now))
    if (lost === undefined) return { client, isNew: false }
    const { secret, kept } = this.newSecret(client, lost)
    await this.clients.replaceSecrets(tx, client, secrets.map((each) => (each === lost ? kept : each)))
    return { client, isNew: lost.createdAt === client.createdAt, secret }
  }

  /** The id of the secret this request would make: the same for every repeat of it, so that a repeat finds what it made. */
  private reserveSecretId(tx: Tx, { caller, clientId, change, idempotencyKey: key }: ChangeRequest): Promise<Reservation> {
    const id = randomUUID()
    if (key === undefined) return Promise.resolve({ id, repeated: false })
    return tx.reserve({ client: caller.clientId, route: 'PUT /v1/clients/{clientId}', key, requestHash: requestHashOf([clientId, change]), id })
  }

  private newSecret({ tenant }: OAuthClient, named: Omit<ClientSecret, 'hash'>): { secret: Secret; kept: ClientSecret } {
    const secret = randomBytes(32).toString('base64url')
    return { secret: new Secret(secret), kept: { ...named, hash: clientSecretHash(this.secrets, tenant, secret) } }
  }
}
