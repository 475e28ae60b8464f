import { instant, type Instant } from '@curfew/kernel'
import type { SigningKey } from '@curfew/tokens'
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK } from 'jose'

/** A key pair as it was made: the private part still in the clear, to be sealed by whoever stores it. */
export interface NewSigningKey {
  readonly kid: string
  readonly alg: 'ES256'
  readonly publicJwk: JWK
  readonly privatePkcs8: string
}

/** A fresh ES256 key pair, named by its RFC 7638 thumbprint: whoever has the public key can tell that the name is its own. */
export async function generateSigningKey(): Promise<NewSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { kty, crv, x, y } = await exportJWK(publicKey)
  const publicJwk: JWK = { kty, crv, x, y }
  return { kid: await calculateJwkThumbprint(publicJwk, 'sha256'), alg: 'ES256', publicJwk, privatePkcs8: await exportPKCS8(privateKey) }
}

/** The key in a form that signs and cannot be exported again. */
export const readSigningKey = async (kid: string, alg: 'ES256', privatePkcs8: string): Promise<SigningKey> =>
  ({ kid, alg, privateKey: await importPKCS8(privatePkcs8, alg) })

/** A stored key, without its private part. */
export interface StoredKey {
  readonly kid: string
  readonly alg: 'ES256'
  readonly publicJwk: JWK
  readonly createdAt: Instant
  /** Since then it signs nothing; null for a key in use. */
  readonly retiredAt: Instant | null
  /** Revoked in every tenant: no longer published either. */
  readonly withdrawn: boolean
}

/** As long as the longest lifetime a token can be configured to have: until then somebody may hold one that this key signed. */
const publishedAfterMs = 3_600_000

/**
 * The set that verifiers see: keys in use, and retired ones while their tokens may be about (a key revoked in one tenant still vouches for the
 * others). Four public members and what the key is for; anything else a row might hold stays here.
 */
export const publishedKeys = (keys: readonly StoredKey[], now: Instant): JWK[] => keys
  .filter(({ retiredAt, withdrawn }) => !withdrawn && (retiredAt === null || now < instant(retiredAt + publishedAfterMs)))
  .map(({ kid, alg, publicJwk: { kty, crv, x, y } }) => ({ kty, crv, x, y, kid, alg, use: 'sig' }))

/** The keys of this deployment as they were read: which one signs, and the set that verifies. */
export interface SigningKeys {
  readonly current: SigningKey
  readonly jwks: { readonly keys: readonly JWK[] }
  /** When the first of them was made: the deployment's first boot. */
  readonly since: Instant
}
