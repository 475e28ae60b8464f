import type { Instant } from '@curfew/kernel'
import type { SigningKey } from '@curfew/tokens'
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK } from 'jose'

/** A key pair as it is kept: the private part still in the clear, to be sealed by whoever stores it. */
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

/** What of a key is published: four public members and what the key is for. Anything else a row might hold stays here. */
export const publishedKey = (kid: string, alg: 'ES256', { kty, crv, x, y }: JWK): JWK => ({ kty, crv, x, y, kid, alg, use: 'sig' })

/** The keys of this deployment as they were read: which one signs, and the set that verifies. */
export interface SigningKeys {
  readonly current: SigningKey
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly since: Instant
}
