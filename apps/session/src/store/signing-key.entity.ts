import { EntitySchema } from 'typeorm'
import type { StoredKey } from '../keys/signing-keys.js'
import { instantTransformer } from './instant-column.js'

/** A key of the whole deployment: its tenant is `*`, so no tenant's transaction sees it. */
export interface SigningKeyRow extends StoredKey {
  readonly tenant: '*'
  /** PKCS #8, sealed for this `kid`. */
  readonly privateSealed: Buffer
}

export const SigningKeyEntity = new EntitySchema<SigningKeyRow>({
  name: 'SigningKey', tableName: 'signing_keys',
  columns: {
    kid: { type: 'text', primary: true }, tenant: { type: 'text' }, alg: { type: 'text' }, publicJwk: { type: 'jsonb', name: 'public_jwk' },
    privateSealed: { type: 'bytea', name: 'private_sealed' }, createdAt: { type: 'timestamptz', precision: 3, name: 'created_at', transformer: instantTransformer },
    retiredAt: { type: 'timestamptz', precision: 3, name: 'retired_at', nullable: true, transformer: instantTransformer }, withdrawn: { type: 'boolean' },
  },
})
