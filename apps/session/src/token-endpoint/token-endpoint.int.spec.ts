import { tokenResponse } from '@curfew/contracts'
import { defaultTenant } from '@curfew/kernel'
import { decodeJwt } from 'jose'
import { request } from 'node:http'
import { startSession, type SessionService } from '../session-service.contract.js'

let service: SessionService
beforeAll(async () => { service = await startSession() })
afterAll(() => service.close())

interface Asked { readonly authorization?: string; readonly form?: Record<string, string> | string; readonly contentType?: string; readonly query?: string }
interface TokenAnswer { readonly status: number; readonly body: Record<string, string>; readonly headers: Headers }

async function ask({ authorization, form = {}, contentType = 'application/x-www-form-urlencoded', query = '' }: Asked): Promise<TokenAnswer> {
  const answer = await fetch(`${service.url}/oauth2/token${query}`, {
    method: 'POST', headers: { 'content-type': contentType, ...(authorization && { authorization }) },
    body: typeof form === 'string' ? form : new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string>, headers: answer.headers }
}
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
const bootstrap = () => basic('admin', service.platform.bootstrapClient.secret.reveal())
const put = (clientId: string, body: object, options: object = {}) => service.call<Record<string, unknown>>('PUT', `/v1/clients/${encodeURIComponent(clientId)}`, { body, ...options })
const secretOf = ({ body }: { body: Record<string, unknown> }) => body['clientSecret'] as string
const works = async (id: string, secret: string) => (await ask({ authorization: basic(id, secret) })).status === 200

test('the bootstrap client gets an administrator\'s token that lasts five minutes and is kept nowhere', async () => {
  const before = Math.floor(Date.now() / 1000)
  const { status, body, headers } = await ask({ authorization: bootstrap() })
  expect([status, headers.get('cache-control'), headers.get('www-authenticate')]).toEqual([200, 'no-store', null])
  expect(tokenResponse.parse(body)).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'admin' })
  const claims = decodeJwt(body['access_token'] as string)
  expect(claims).toMatchObject({ iss: service.platform.issuer, aud: 'curfew', sub: 'admin', client_id: 'admin', kind: 'service', tenant: 'default', scope: 'admin' })
  expect(claims['sid']).toBeUndefined()
  expect(Number(claims['began_at'])).toBeGreaterThanOrEqual((before - 1) * 1000)
  expect((claims.exp as number) - (claims.iat as number)).toBe(300)
})

test('the body serves as well as the header, and an administrator may ask for less', async () => {
  const { body } = await ask({ form: { client_id: 'admin', client_secret: service.platform.bootstrapClient.secret.reveal(), scope: 'audit:read sessions:read' } })
  expect(body['scope']).toBe('audit:read sessions:read')
  expect(decodeJwt(body['access_token'] as string)['scope']).toBe('audit:read sessions:read')
})

test.each<[string, () => Asked, number, string]>([
  ['a wrong secret', () => ({ authorization: basic('admin', 'guess') }), 401, 'invalid_client'],
  ['an unknown client', () => ({ authorization: basic('nobody', 'guess') }), 401, 'invalid_client'],
  ['no credentials', () => ({}), 401, 'invalid_client'],
  ['a client id that Postgres could not hold', () => ({ authorization: basic('a\u0000b', 'x') }), 401, 'invalid_client'],
  ['header and body at once', () => ({ authorization: bootstrap(), form: { client_secret: 'x' } }), 400, 'invalid_request'],
  ['another grant', () => ({ authorization: bootstrap(), form: { grant_type: 'password' } }), 400, 'unsupported_grant_type'],
  ['a repeated parameter', () => ({ authorization: bootstrap(), form: 'grant_type=client_credentials&scope=a&scope=b' }), 400, 'invalid_request'],
  ['a scope that does not exist', () => ({ authorization: bootstrap(), form: { scope: 'root' } }), 400, 'invalid_scope'],
  ['JSON', () => ({ authorization: bootstrap(), contentType: 'application/json', form: '{"grant_type":"client_credentials"}' }), 400, 'invalid_request'],
  ['no body', () => ({ authorization: bootstrap(), form: '' }), 400, 'invalid_request'],
  ['credentials in the query', () => ({ query: '?client_id=admin&client_secret=x' }), 400, 'invalid_request'],
])('%s is refused by the standard\'s own words', async (_what, asked, status, error) => {
  const answer = await ask(asked())
  expect([answer.status, answer.body]).toMatchObject([status, { error }])
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('www-authenticate')?.startsWith('Basic ') ?? false).toBe(error === 'invalid_client')
})

test('a client is created with a secret that is shown once, and holds just the scopes it was given', async () => {
  const made = await put('ci', { name: 'CI', scopes: ['sessions:read', 'gateway'] })
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({ clientId: 'ci', tenant: 'default', name: 'CI', scopes: ['gateway', 'sessions:read'], enabled: true })
  expect(secretOf(made)).toMatch(/^[\w-]{43}$/)
  expect((await service.call('GET', '/v1/clients/ci')).body).not.toHaveProperty('clientSecret')
  const { body } = await ask({ authorization: basic('ci', secretOf(made)) })
  expect(body['scope']).toBe('gateway sessions:read')
  expect((await ask({ authorization: basic('ci', secretOf(made)), form: { scope: 'admin' } })).body['error']).toBe('invalid_scope')
  const narrowed = await put('ci', { scopes: ['gateway'] })
  expect([narrowed.status, narrowed.body]).toMatchObject([200, { name: 'CI', scopes: ['gateway'] }])
  expect(narrowed.body).not.toHaveProperty('clientSecret')
})

test('after a rotation both secrets work until the overlap is over, and a second rotation ends the first', async () => {
  const first = secretOf(await put('rotating', { scopes: ['gateway'] }))
  const second = secretOf(await put('rotating', { scopes: ['gateway'], rotateSecret: true }))
  expect([await works('rotating', first), await works('rotating', second)]).toEqual([true, true])
  await service.rows(`UPDATE client_secrets SET expires_at = now() - interval '1 ms' WHERE client_id = 'rotating' AND expires_at IS NOT NULL`)
  expect([await works('rotating', first), await works('rotating', second)]).toEqual([false, true])
  const third = secretOf(await put('rotating', { scopes: ['gateway'], rotateSecret: true }))
  const fourth = secretOf(await put('rotating', { scopes: ['gateway'], rotateSecret: true }))
  expect(await Promise.all([first, second, third, fourth].map((secret) => works('rotating', secret)))).toEqual([false, false, true, true])
})

test('a repeated creation whose answer was lost gives a secret that works, in place of the lost one', async () => {
  const headers = { 'idempotency-key': 'make-lossy' }
  const lost = await put('lossy', { scopes: ['gateway'] }, { headers })
  const again = await put('lossy', { scopes: ['gateway'] }, { headers })
  expect([lost.status, again.status]).toEqual([201, 201])
  expect([await works('lossy', secretOf(lost)), await works('lossy', secretOf(again))]).toEqual([false, true])
  expect(await put('lossy', { scopes: ['audit:read'] }, { headers })).toMatchObject({ status: 422, body: { code: 'idempotency.mismatch' } })
  const plain = { 'idempotency-key': 'change-lossy' }
  for (let n = 0; n < 2; n += 1) expect((await put('lossy', { scopes: [] }, { headers: plain })).body).not.toHaveProperty('clientSecret')
  expect(await works('lossy', secretOf(again))).toBe(true)
})

test('a late repeat brings back nothing that was changed since: not a scope, not a secret, not the client', async () => {
  const headers = { 'idempotency-key': 'make-late' }
  const made = () => put('late', { scopes: ['admin'], rotateSecret: true }, { headers })
  await made()
  const kept: string[] = []
  for (let n = 0; n < 2; n += 1) kept.push(secretOf(await put('late', { scopes: ['gateway'], enabled: n > 0, rotateSecret: true })))
  const repeated = await made()
  expect([repeated.status, repeated.body]).toMatchObject([200, { scopes: ['gateway'], enabled: true }])
  expect(repeated.body).not.toHaveProperty('clientSecret')
  expect(await Promise.all(kept.map((secret) => works('late', secret)))).toEqual([true, true])
  await service.call('DELETE', '/v1/clients/late')
  expect(await made()).toMatchObject({ status: 404, body: { code: 'client.unknown' } })
  expect((await service.call('GET', '/v1/clients/late')).status).toBe(404)
})

test('ten rotations at once leave two secrets, of which one is current, and each answer told a different one', async () => {
  const first = secretOf(await put('spun', { scopes: ['gateway'] }))
  const secrets = (await Promise.all(Array.from({ length: 10 }, () => put('spun', { scopes: ['gateway'], rotateSecret: true })))).map(secretOf)
  expect(new Set(secrets).size).toBe(10)
  expect(await works('spun', first)).toBe(false)
  expect((await Promise.all(secrets.map((secret) => works('spun', secret)))).filter(Boolean)).toHaveLength(2)
  expect(await service.rows(`SELECT expires_at IS NULL AS current FROM client_secrets WHERE client_id = 'spun' ORDER BY 1`)).toEqual([{ current: false }, { current: true }])
})

test('the secrets of a deleted client stay dead, whoever rotates them at that moment', async () => {
  for (let n = 0; n < 15; n += 1) {
    const secret = secretOf(await put('dying', { scopes: ['gateway'] }))
    await Promise.all([put('dying', { scopes: ['gateway'], rotateSecret: true }), service.call('DELETE', '/v1/clients/dying')])
    expect(await works('dying', secret)).toBe(false)
    await service.call('DELETE', '/v1/clients/dying')
  }
})

test('ten creations of one client at once make one client with one secret', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => put('raced', { scopes: ['gateway'] })))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter((answer) => secretOf(answer) !== undefined)).toHaveLength(1)
})

test('a client that is disabled or deleted gets no token', async () => {
  const secret = secretOf(await put('leaver', { scopes: ['gateway'] }))
  await put('leaver', { scopes: ['gateway'], enabled: false })
  expect(await works('leaver', secret)).toBe(false)
  await put('leaver', { scopes: ['gateway'], enabled: true })
  expect(await works('leaver', secret)).toBe(true)
  expect((await service.call('DELETE', '/v1/clients/leaver')).status).toBe(204)
  expect(await works('leaver', secret)).toBe(false)
  for (const method of ['GET', 'DELETE']) expect(await service.call(method, '/v1/clients/leaver')).toMatchObject({ status: 404, body: { code: 'client.unknown' } })
})

test('a client of another tenant is unknown, even to whoever would create it', async () => {
  const secret = secretOf(await put('theirs', { scopes: ['gateway'] }, { tenant: 'acme' }))
  expect((await service.call('GET', '/v1/clients/theirs')).status).toBe(404)
  expect((await service.call('DELETE', '/v1/clients/theirs')).status).toBe(404)
  expect(await put('theirs', { scopes: ['admin'] })).toMatchObject({ status: 404, body: { code: 'client.unknown' } })
  const { body } = await ask({ authorization: basic('theirs', secret) })
  expect(decodeJwt(body['access_token'] as string)).toMatchObject({ tenant: 'acme', scope: 'gateway' })
})

test('the bootstrap client is shown and cannot be changed', async () => {
  expect((await service.call('GET', '/v1/clients/admin')).body).toMatchObject({ clientId: 'admin', scopes: ['admin'], enabled: true })
  expect((await service.call('GET', '/v1/clients/admin', { tenant: 'acme' })).status).toBe(404)
  expect(await put('admin', { scopes: [] })).toMatchObject({ status: 422, body: { code: 'client.protected' } })
  expect(await service.call('DELETE', '/v1/clients/admin')).toMatchObject({ status: 422, body: { code: 'client.protected' } })
})

test('only administrators manage clients, and only scopes that exist are given', async () => {
  expect((await put('x', { scopes: [] }, { scope: 'sessions:issue' })).status).toBe(403)
  expect(await put('x', { scopes: ['gateway', 'everything'] })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/scopes/1' }] } })
})

test('whoever guesses is slowed down, by the client he guesses at and where he is; the client itself is not shut out elsewhere', async () => {
  const secret = secretOf(await put('guessed', { scopes: ['gateway'] }))
  const bystander = secretOf(await put('bystander', { scopes: ['gateway'] }))
  for (let n = 0; n < 30; n += 1) expect((await ask({ authorization: basic('guessed', `guess-${n}`) })).status).toBe(401)
  const shut = await ask({ authorization: basic('guessed', secret) })
  expect([shut.status, shut.body]).toMatchObject([429, { error: 'temporarily_unavailable' }])
  expect(Number(shut.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await works('bystander', bystander)).toBe(true)
  expect(await statusFrom('127.0.0.2', basic('guessed', secret))).toBe(200)
})

/** The answer to somebody at another address. */
const statusFrom = (localAddress: string, authorization: string) => new Promise<number | undefined>((resolve, reject) => {
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
  request(`${service.url}/oauth2/token`, { method: 'POST', localAddress, headers }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end('grant_type=client_credentials')
})

test('a client whose tenant is no longer served gets no token', async () => {
  const secret = secretOf(await put('stranded', { scopes: ['gateway'] }, { tenant: 'acme' }))
  const smaller = await startSession({ databaseUrl: service.databaseUrl, secrets: service.platform.secrets, tenants: [defaultTenant] })
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'stranded', client_secret: secret })
  const answer = await fetch(`${smaller.url}/oauth2/token`, { method: 'POST', body: form })
  await smaller.close()
  expect([answer.status, await answer.json()]).toMatchObject([401, { error: 'invalid_client' }])
  expect(await works('stranded', secret)).toBe(true)
})

const issuer = { issuer: 'https://idp.acme.test', audiences: ['curfew'] }
const trust = (id: string, body: object, tenant = 'default') => service.call('PUT', `/v1/issuers/${id}`, { body, tenant })

test('an issuer is trusted as asked for, and changing it keeps nothing of what it was', async () => {
  expect(await trust('idp', { ...issuer, jwksUri: 'https://idp.acme.test/keys' }, 'acme')).toMatchObject({ status: 201, body: { id: 'idp', tenant: 'acme', beganAtClaim: 'auth_time', jwksUri: 'https://idp.acme.test/keys' } })
  expect(await trust('idp', { ...issuer, audiences: ['a', 'a'] }, 'acme')).toMatchObject({ status: 200, body: { audiences: ['a'], jwksUri: null } })
  expect((await trust('idp', { ...issuer, isDefault: true }, 'acme')).status).toBe(400)
})

test('a subject without an issuer is the deployment\'s own, whatever issuers the tenant trusts', async () => {
  expect((await service.issue({}, { tenant: 'acme' })).body.session.subject).toEqual({ issuer: service.platform.issuer, sub: 'alice' })
})

test('an issuer is trusted under one id in a tenant, and another tenant does not see it', async () => {
  await trust('one', issuer)
  expect(await trust('two', issuer)).toMatchObject({ status: 422, body: { code: 'issuer.taken' } })
  expect((await service.call('GET', '/v1/issuers/one', { tenant: 'acme' })).status).toBe(404)
  expect(await trust('three', { ...issuer, issuer: 'javascript:alert(1)' })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/issuer' }] } })
})

test('a tenant names no keys for the tokens of Curfew itself', async () => {
  expect(await trust('own', { ...issuer, issuer: service.platform.issuer })).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ pointer: '/issuer' }] } })
})

test('one issuer asked for under ten ids at once is trusted under one', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => trust(`race-${n}`, { issuer: 'https://race.test', audiences: ['a'] })))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(422)])
})
