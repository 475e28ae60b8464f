import { randomBytes, randomUUID } from 'node:crypto'
import { Fault } from '@curfew/contracts'
import { Secret, type TenantId } from '@curfew/kernel'
import { Database, type Tx } from '@curfew/persistence'
import { DerivedSecrets, requestHashOf, type KnownCaller } from '@curfew/service-kit'
import { Injectable } from '@nestjs/common'
import { clientSecretHash } from '../inventory/keyed-names.js'
import { ClientStore, type AuthenticatedClient } from '../store/client.store.js'
import { BootstrapClient } from './bootstrap-client.js'
import { changeClient, rotateSecret, type ClientChange, type ClientSecret, type OAuthClient } from './change-client.js'

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
   * Creates or changes a client. A repeat with the same idempotency key ends with the same client; if the first try made a secret, which the
   * caller may never have seen, the repeat makes another in its place.
   */
  change(asked: ChangeRequest): Promise<ChangedClient> {
    const { caller: { tenant }, clientId, change } = asked
    if (this.bootstrap.isNamed(clientId)) throw new Fault('client.protected')
    return this.database.transact(tenant, async (tx) => {
      const known = await this.clients.lock(tx, tenant, clientId)
      const secretId = await this.secretIdFor(tx, asked)
      const lost = known?.secrets.find(({ id }) => id === secretId)
      const client = changeClient(known?.client, change, { tenant, clientId }, tx.now)
      if (!(await this.clients.save(tx, client))) throw new Fault('client.unknown')
      const isNew = known === undefined || (lost !== undefined && lost.createdAt === known.client.createdAt)
      if (!isNew && lost === undefined && change.rotateSecret !== true) return { client, isNew }
      return { client, isNew, secret: await this.issueSecret(tx, client, secretId, known, lost) }
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
      if (!(await this.clients.remove(tx, tenant, clientId))) throw new Fault('client.unknown')
    })
  }

  /** The id of the secret this request would make: the same for every repeat of it, so that a repeat finds what it made. */
  private async secretIdFor(tx: Tx, { caller, clientId, change, idempotencyKey: key }: ChangeRequest): Promise<string> {
    const id = randomUUID()
    if (key === undefined) return id
    return (await tx.reserve({ client: caller.clientId, route: 'PUT /v1/clients/{clientId}', key, requestHash: requestHashOf([clientId, change]), id })).id
  }

  private async issueSecret(tx: Tx, client: OAuthClient, id: string, known: AuthenticatedClient | undefined, lost: ClientSecret | undefined): Promise<Secret> {
    const secret = randomBytes(32).toString('base64url')
    const made: ClientSecret = { id, hash: clientSecretHash(this.secrets, client.tenant, secret), createdAt: lost?.createdAt ?? tx.now, expiresAt: lost?.expiresAt ?? null }
    const kept = known?.secrets ?? []
    await this.clients.replaceSecrets(tx, client, lost === undefined ? rotateSecret(kept, made) : [made, ...kept.filter((each) => each !== lost)])
    return new Secret(secret)
  }
}
