import type { Instant, TenantId } from '@curfew/kernel'
import { EntitySchema } from 'typeorm'
import { instantTransformer } from './instant-column.js'

export interface IssuerRow {
  tenant: TenantId
  id: string
  issuer: string
  jwksUri: string | null
  audiences: string[]
  beganAtClaim: string
  updatedAt: Instant
}

export const IssuerEntity = new EntitySchema<IssuerRow>({
  name: 'Issuer', tableName: 'issuers',
  columns: {
    tenant: { type: 'text', primary: true }, id: { type: 'text', primary: true }, issuer: { type: 'text' }, jwksUri: { type: 'text', name: 'jwks_uri', nullable: true },
    audiences: { type: 'text', array: true }, beganAtClaim: { type: 'text', name: 'began_at_claim' },
    updatedAt: { type: 'timestamptz', precision: 3, name: 'updated_at', transformer: instantTransformer },
  },
})
