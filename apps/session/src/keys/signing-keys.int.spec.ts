import { derivedSecrets } from '@curfew/service-kit'
import { Secret } from '@curfew/kernel'
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose'
import { freshDatabase, until } from '@curfew/testing'
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

const kidOf = (accessToken: string) => decodeProtectedHeader(accessToken).kid

test('a revoked key signs nothing any more, in any instance; who verifies still sees it unless it was revoked everywhere', async () => {
  const database = await freshDatabase()
  const [one, two] = await Promise.all([startSession({ databaseUrl: database.url }), startSession({ databaseUrl: database.url })])
  const kids = async () => (await jwksOf(one.url)).keys.map(({ kid }) => kid)
  const [first] = await kids()
  const scope = { kind: 'key', kid: first as string, issuer: one.platform.issuer } as const
  await one.revoke({ ...scope, issuer: 'https://idp.test' })
  await one.revoke({ ...scope, kid: 'nobody-has-it' })
  expect(await kids()).toEqual([first])

  const record = await one.revoke(scope)
  await one.revoke(scope, record)
  const [second, ...older] = await kids()
  expect(older).toEqual([first])
  expect(kidOf((await one.issue()).body.accessToken)).toBe(second)
  await until(async () => kidOf((await two.issue()).body.accessToken) === second, { timeoutMs: 15_000, what: 'the other instance to learn of the new key' })

  await one.revoke(scope, { everyTenant: true })
  expect(await kids()).toEqual([second])
  await Promise.all([one.close(), two.close()])
  await database.drop()
}, 30_000)
