import type { TenantId } from '@curfew/kernel'
import type { Tx } from '@curfew/persistence'
import { Injectable } from '@nestjs/common'
import type { ClientSecret, OAuthClient } from '../clients/change-client.js'
import { ClientEntity, ClientSecretEntity } from './client.entity.js'

export interface AuthenticatedClient {
  readonly client: OAuthClient
  readonly secrets: readonly ClientSecret[]
}

/** OAuth clients and the keyed hashes of their secrets. */
@Injectable()
export class ClientStore {
  async find(tx: Tx, tenant: TenantId, clientId: string): Promise<OAuthClient | undefined> {
    return (await tx.manager.findOneBy(ClientEntity, { tenant, clientId })) ?? undefined
  }

  /** A client with its secrets, held until the commit so that two changes of it are one after the other. */
  async lock(tx: Tx, tenant: TenantId, clientId: string): Promise<AuthenticatedClient | undefined> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('curfew.session.client' || $1, 0))`, [clientId])
    const client = await this.find(tx, tenant, clientId)
    return client && { client, secrets: await this.secretsOf(tx, clientId) }
  }

  /** Whoever the id belongs to: the one question that is asked before a tenant is known, in a transaction of every tenant. */
  async authenticating(tx: Tx, clientId: string): Promise<AuthenticatedClient | undefined> {
    // Both are asked whether or not there is such a client, so that how long it takes does not say.
    const [client, secrets] = await Promise.all([tx.manager.findOneBy(ClientEntity, { clientId }), this.secretsOf(tx, clientId)])
    return client === null ? undefined : { client, secrets }
  }

  /** False when the id belongs to another tenant, which is nobody's business here. */
  async save(tx: Tx, { tenant, clientId, name, scopes, enabled, createdAt }: OAuthClient): Promise<boolean> {
    const rows = await tx.query(`INSERT INTO clients (tenant, client_id, name, scopes, enabled, created_at) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT DO NOTHING RETURNING 1`, [tenant, clientId, name, scopes, enabled, new Date(createdAt)])
    if (rows.length > 0) return true
    const { affected } = await tx.manager.update(ClientEntity, { tenant, clientId }, { name, scopes: [...scopes], enabled })
    return affected === 1
  }

  /** What the client can authenticate with from now on, in place of whatever it could before. */
  async replaceSecrets(tx: Tx, { tenant, clientId }: OAuthClient, secrets: readonly ClientSecret[]): Promise<void> {
    await tx.manager.delete(ClientSecretEntity, { tenant, clientId })
    await tx.manager.insert(ClientSecretEntity, secrets.map((secret) => ({ ...secret, tenant, clientId })))
  }

  async remove(tx: Tx, tenant: TenantId, clientId: string): Promise<boolean> {
    const { affected } = await tx.manager.delete(ClientEntity, { tenant, clientId })
    return affected === 1
  }

  private secretsOf(tx: Tx, clientId: string): Promise<ClientSecret[]> {
    return tx.manager.findBy(ClientSecretEntity, { clientId })
  }
}
