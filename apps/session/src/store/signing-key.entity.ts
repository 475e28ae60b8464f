import type { Instant } from '@curfew/kernel'
import type { JWK } from 'jose'
import { EntitySchema } from 'typeorm'
import { instantTransformer } from './instant-column.js'

/** A key of the whole deployment: its tenant is `*`, so no tenant's transaction sees it. */
export interface SigningKeyRow {
  kid: string
  tenant: '*'
  alg: 'ES256'
  publicJwk: JWK
  /** PKCS #8, sealed for this `kid`. */
  privateSealed: Buffer
  createdAt: Instant
}

export const SigningKeyEntity = new EntitySchema<SigningKeyRow>({
  name: 'SigningKey', tableName: 'signing_keys',
  columns: {
    kid: { type: 'text', primary: true }, tenant: { type: 'text' }, alg: { type: 'text' }, publicJwk: { type: 'jsonb', name: 'public_jwk' },
    privateSealed: { type: 'bytea', name: 'private_sealed' }, createdAt: { type: 'timestamptz', precision: 3, name: 'created_at', transformer: instantTransformer },
  },
})
