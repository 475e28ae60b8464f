import type { TenantId, Instant } from '@curfew/kernel'
import { EntitySchema } from 'typeorm'
import { instantTransformer } from './instant-column.js'

export interface ClientRow {
  tenant: TenantId
  clientId: string
  name: string | null
  scopes: string[]
  enabled: boolean
  createdAt: Instant
}

export interface ClientSecretRow {
  tenant: TenantId
  clientId: string
  id: string
  hash: string
  createdAt: Instant
  expiresAt: Instant | null
}

export const ClientEntity = new EntitySchema<ClientRow>({
  name: 'Client', tableName: 'clients',
  columns: {
    clientId: { type: 'text', name: 'client_id', primary: true }, tenant: { type: 'text' }, name: { type: 'text', nullable: true }, scopes: { type: 'text', array: true },
    enabled: { type: 'boolean' }, createdAt: { type: 'timestamptz', precision: 3, name: 'created_at', transformer: instantTransformer },
  },
})

export const ClientSecretEntity = new EntitySchema<ClientSecretRow>({
  name: 'ClientSecret', tableName: 'client_secrets',
  columns: {
    id: { type: 'uuid', primary: true }, tenant: { type: 'text' }, clientId: { type: 'text', name: 'client_id' }, hash: { type: 'text' },
    createdAt: { type: 'timestamptz', precision: 3, name: 'created_at', transformer: instantTransformer },
    expiresAt: { type: 'timestamptz', precision: 3, name: 'expires_at', nullable: true, transformer: instantTransformer },
  },
})
