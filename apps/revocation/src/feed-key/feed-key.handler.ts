import type { PublicJwk } from '@curfew/contracts'
import { canonicalJson } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import type { DerivedSecrets } from '@curfew/service-kit'
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { FeedKeyStore, SealedFeedKey } from '../store/feed-key.store.js'
import { FeedSigner } from './feed-signer.adapter.js'

/**
 * The feed's signer. The first instance of a deployment makes its key; every other, then and later, finds that one. Rejects when the key in the
 * database was sealed under another root secret: a second key would make every gateway refuse the feed.
 */
export async function openFeedSigner(database: Database, keys: FeedKeyStore, secrets: DerivedSecrets): Promise<FeedSigner> {
  const found = await database.transactEverywhere(async (tx) => {
    const known = await keys.current(tx)
    if (known !== undefined) return known
    await keys.offer(tx, newKey(secrets))
    return keys.current(tx)
  })
  if (found === undefined) throw new Error('the feed key that was just written cannot be read')
  return new FeedSigner({ kid: found.kid, privateKey: opened(found, secrets) }, [found.publicJwk])
}

const contextOf = (kid: string): string => `feed-key:${kid}`

function newKey(secrets: DerivedSecrets): SealedFeedKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { kty, crv, x } = publicKey.export({ format: 'jwk' }) as { kty: string; crv: string; x: string }
  // RFC 7638: the id is the key's thumbprint, so it can never name another key.
  const kid = createHash('sha256').update(canonicalJson({ crv, kty, x })).digest('base64url')
  const publicJwk: PublicJwk = { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }
  return { kid, publicJwk, sealed: secrets.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), contextOf(kid)) }
}

function opened({ kid, sealed }: SealedFeedKey, secrets: DerivedSecrets): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey({ key: secrets.open(sealed, contextOf(kid)), format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw new Error('the feed key does not open: CURFEW_ROOT_SECRET (or the bootstrap secret it comes from) is not the one this database was made with', { cause })
  }
}
