import { derivedSecrets } from '@curfew/service-kit'
import { Secret } from '@curfew/kernel'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { freshDatabase } from '@curfew/testing'
import { startSession } from '../session-service.contract.js'

const jwksOf = async (url: string) => (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: JWK[] }

test('two instances that start at once agree on one key, and so does a third after a restart', async () => {
  const database = await freshDatabase()
  const [one, two] = await Promise.all([startSession({ databaseUrl: database.url }), startSession({ databaseUrl: database.url })])
  const [first, second] = await Promise.all([jwksOf(one.url), jwksOf(two.url)])
  expect(first).toEqual(second)
  expect(first.keys).toHaveLength(1)
  await Promise.all([one.close(), two.close()])
  const later = await startSession({ databaseUrl: database.url })
  expect(await jwksOf(later.url)).toEqual(first)
  await later.close()
  await database.drop()
})

test('the set is public, cacheable and shows public members alone; a key is named by its thumbprint', async () => {
  const service = await startSession()
  const answer = await fetch(`${service.url}/.well-known/jwks.json`)
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
  const { keys: [key] } = (await answer.json()) as { keys: [JWK] }
  expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  expect(key).toMatchObject({ alg: 'ES256', use: 'sig', kid: await calculateJwkThumbprint(key) })
  const etag = answer.headers.get('etag') as string
  const again = await fetch(`${service.url}/.well-known/jwks.json`, { headers: { 'if-none-match': `"other", W/${etag}` } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect((await fetch(`${service.url}/.well-known/jwks.json`, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  await service.close()
})

test('an instance with another root secret does not start, and says what to set', async () => {
  const database = await freshDatabase()
  await (await startSession({ databaseUrl: database.url })).close()
  await expect(startSession({ databaseUrl: database.url, secrets: derivedSecrets(new Secret('another root secret')) })).rejects.toThrow(/CURFEW_ROOT_SECRET/)
  await database.drop()
})
