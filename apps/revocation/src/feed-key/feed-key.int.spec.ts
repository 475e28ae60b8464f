import { isSigned, feedKeys } from '@curfew/feed'
import { Secret } from '@curfew/kernel'
import type { Database } from '@curfew/persistence'
import { derivedSecrets } from '@curfew/service-kit'
import { testPlatform } from '@curfew/service-kit/testing'
import { freshDatabase, type FreshDatabase } from '@curfew/testing'
import { Client } from 'pg'
import { HandFeed } from '../hand-feed.contract.js'
import { FeedKeyStore } from '../store/feed-key.store.js'
import { openRevocationDatabase } from '../store/revocation-database.adapter.js'
import { openFeedSigner } from './feed-key.handler.js'

let server: FreshDatabase
let databases: Database[]
const platform = testPlatform({ bus: new HandFeed() })

beforeAll(async () => {
  server = await freshDatabase()
  const open = () => openRevocationDatabase({ ...platform, databaseUrl: server.url }, platform.bus.publisher)
  databases = [await open(), await open()]
})
afterAll(async () => {
  await Promise.all(databases.map((each) => each.close()))
  await server.drop()
})

test('instances that start at once agree on one key, and find it again later', async () => {
  const signers = await Promise.all(Array.from({ length: 6 }, (_, n) => openFeedSigner(databases[n % 2] as Database, new FeedKeyStore(), platform.secrets)))
  const [key] = signers[0]?.publicKeys ?? []
  expect(new Set(signers.flatMap(({ publicKeys }) => publicKeys.map(({ kid }) => kid))).size).toBe(1)
  expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
  expect(key).not.toHaveProperty('d')
  const body = Buffer.from('{}')
  const parts = { topic: 't', id: '"e"', source: 'snapshot', type: 'curfew.denylist.snapshot', tenant: '*', value: body }
  for (const signer of signers) expect(isSigned(parts, signer.signatureOf(body, '"e"', 't'), feedKeys(signers[0]?.publicKeys ?? []))).toBe(true)
})

test('its private half is nowhere in the database', async () => {
  const sql = new Client({ connectionString: server.url })
  await sql.connect()
  const { rows } = await sql.query<{ sealed: Buffer; public_jwk: object }>('SELECT * FROM curfew_revocation.feed_keys')
  await sql.end()
  expect(rows).toHaveLength(1)
  // PKCS #8 of an Ed25519 key begins so (RFC 8410 section 10.3).
  expect(rows[0]?.sealed.includes(Buffer.from('302e020100300506032b657004220420', 'hex'))).toBe(false)
  expect(rows[0]?.public_jwk).not.toHaveProperty('d')
})

test('under another root secret it does not open, and no second key is made', async () => {
  const others = derivedSecrets(new Secret('another root secret altogether'))
  await expect(openFeedSigner(databases[0] as Database, new FeedKeyStore(), others)).rejects.toThrow('CURFEW_ROOT_SECRET')
})
