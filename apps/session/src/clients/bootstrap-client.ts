import { createHash, timingSafeEqual } from 'node:crypto'
import { defaultTenant, type Instant, type Secret, type TenantId } from '@curfew/kernel'
import type { OAuthClient } from './change-client.js'

/** The first administrator, who exists by configuration alone: its secret is in no table, and no request changes it. */
export class BootstrapClient {
  private readonly digest: Buffer
  readonly client: OAuthClient

  constructor({ id, secret }: { readonly id: string; readonly secret: Secret }, tenants: readonly TenantId[], since: Instant) {
    this.digest = digestOf(secret.reveal())
    const tenant = tenants.includes(defaultTenant) ? defaultTenant : (tenants[0] ?? defaultTenant)
    this.client = { tenant, clientId: id, name: 'bootstrap', scopes: ['admin'], enabled: true, createdAt: since }
  }

  isNamed(clientId: string): boolean {
    return clientId === this.client.clientId
  }

  /** In the same time whatever is given: digests are compared, and they are equally long. */
  isSecret(given: string): boolean {
    return timingSafeEqual(digestOf(given), this.digest)
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
