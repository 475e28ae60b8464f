import { instant } from '@curfew/kernel'
import type { Database, Tx } from '@curfew/persistence'
import type { DerivedSecrets } from '@curfew/service-kit'
import type { SigningKeyRow } from '../store/signing-key.entity.js'
import { SigningKeyStore } from '../store/signing-key.store.js'
import { generateSigningKey, publishedKey, readSigningKey, type SigningKeys } from './signing-keys.js'

/**
 * The deployment's signing keys; the first one is made by whichever instance comes first. An instance that cannot open what another
 * sealed has another root secret and must not start: it would sign with a key nobody publishes.
 */
export async function openSigningKeys(database: Database, secrets: DerivedSecrets, store = new SigningKeyStore()): Promise<SigningKeys> {
  const rows = await database.transactEverywhere(async (tx) => {
    await store.lock(tx)
    const known = await store.all(tx)
    return known.length > 0 ? known : [await makeFirst(tx, secrets, store)]
  })
  const newest = rows[0] as SigningKeyRow
  const current = await readSigningKey(newest.kid, newest.alg, opened(newest, secrets))
  const since = instant(Math.min(...rows.map(({ createdAt }) => createdAt)))
  return { current, jwks: { keys: rows.map(({ kid, alg, publicJwk }) => publishedKey(kid, alg, publicJwk)) }, since }
}

async function makeFirst(tx: Tx, secrets: DerivedSecrets, store: SigningKeyStore): Promise<SigningKeyRow> {
  const { kid, alg, publicJwk, privatePkcs8 } = await generateSigningKey()
  const row: SigningKeyRow = { kid, tenant: '*', alg, publicJwk, privateSealed: secrets.seal(Buffer.from(privatePkcs8), sealedFor(kid)), createdAt: tx.now }
  await store.add(tx, row)
  return row
}

function opened({ kid, privateSealed }: SigningKeyRow, secrets: DerivedSecrets): string {
  try {
    return secrets.open(privateSealed, sealedFor(kid)).toString('utf8')
  } catch (cause) {
    throw new Error(`signing key ${kid} was sealed with another root secret: set CURFEW_ROOT_SECRET to what it was when the key was made`, { cause })
  }
}

const sealedFor = (kid: string): string => `session-signing-key:${kid}`
