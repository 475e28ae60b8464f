import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { once } from 'node:events'
import { Heard, sampleRoutes, sampleService } from './sample-service.contract.js'
import { startServices, type RunningServices } from './start-services.adapter.js'
import { testPlatform, type TestPlatform } from './test-platform.contract.js'

let platform: TestPlatform
let services: RunningServices
let token: string

beforeAll(async () => {
  platform = testPlatform()
  services = await startServices({ definitions: [sampleService(platform)], platform, host: '127.0.0.1', port: 0 })
  token = await platform.token('audit:read')
})
beforeEach(() => void (platform.lines.length = 0))
afterEach(() => void (platform.callers.verdict = 'allowed'))
afterAll(() => services.close())

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Record<string, unknown>
}

async function ask(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Answer> {
  const answer = await fetch(services.url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, body: (answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}) as Record<string, unknown> }
}
const post = (path: string, body: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
const form = (body: string, headers: Record<string, string> = {}) => post('/oauth2/notes', body, { 'content-type': 'application/x-www-form-urlencoded', ...headers })
const outcome = ({ status, body }: Answer) => [status, body['code']]
const bearing = (bearer: string) => ({ headers: { authorization: bearer } })

describe('a caller', () => {
  test('with the scope is let in and known', async () => {
    const { status, body } = await post('/v1/notes', '{"text":"hello"}')
    expect([status, body]).toEqual([201, { body: { text: 'hello' }, caller: { tenant: 'default', clientId: 'ops', scopes: ['audit:read'], initiator: { kind: 'client', id: 'ops' } } }])
  })

  test('without credentials is asked for them, and not told that they are wrong', async () => {
    const answer = await fetch(`${services.url}/v1/notes`)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="curfew"'])
    expect(await answer.json()).toMatchObject({ code: 'auth.invalid' })
  })

  test.each([
    ['of another issuer', { iss: 'https://elsewhere' }], ['for another audience', { aud: 'other' }], ['that has expired', { iat: 1, exp: 2, began_at: 1 }],
    ['of another type of key', { jti: 'x', cnf: undefined, exp: 4_000_000_000, iat: 3_999_999_000 }],
  ])('with a token %s is refused', async (_what, claims) => {
    const answer = await ask('/v1/notes', bearing(`Bearer ${await platform.token('audit:read', claims)}`))
    expect(outcome(answer)).toEqual([401, 'auth.invalid'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="curfew", error="invalid_token"')
  })

  test.each([
    ['another scheme', 'Basic b3BzOm9wcw=='], ['no token', 'Bearer'], ['two', 'Bearer a b'], ['eight thousand characters', `Bearer ${'x'.repeat(8_000)}`], ['no JWS', 'Bearer not.a.token'],
  ])('who sends %s is refused, and not quoted', async (_what, bearer) => {
    const answer = await ask('/v1/notes', bearing(bearer))
    expect(outcome(answer)).toEqual([401, 'auth.invalid'])
    expect(answer.text).not.toContain('not.a.token')
  })

  test('with two Authorization headers, or a token in the URL, is refused even if each is valid', async () => {
    expect(outcome(await ask(`/v1/notes?access_token=${token}`))).toEqual([401, 'auth.invalid'])
    const raw = await speak(`GET /v1/notes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`)
    expect(raw).toMatch(/^HTTP\/1\.1 401 /)
    expect(raw).toContain('error="invalid_request"')
  })

  test('without the scope learns which one is needed', async () => {
    const answer = await ask('/v1/notes', bearing(`Bearer ${await platform.token('sessions:read')}`))
    expect([answer.status, answer.body['code'], answer.body['detail']]).toEqual([403, 'auth.scope', 'the call needs the scope audit:read'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="curfew", error="insufficient_scope", scope="audit:read"')
  })

  test('with a person\'s session token is no caller of the control plane', async () => {
    expect(outcome(await ask('/v1/notes', bearing(`Bearer ${await platform.token('', { scope: undefined, sid: 's', kind: 'person' })}`)))).toEqual([403, 'auth.scope'])
  })

  test('who was revoked is refused at once, although the token was verified before', async () => {
    expect((await ask('/v1/notes')).status).toBe(200)
    platform.callers.verdict = 'revoked'
    expect(outcome(await ask('/v1/notes'))).toEqual([401, 'auth.invalid'])
  })

  test('cannot be judged by a stale denylist', async () => {
    platform.callers.verdict = 'stale'
    const answer = await ask('/v1/notes')
    expect([...outcome(answer), answer.headers.get('retry-after')]).toEqual([503, 'denylist.stale', '1'])
  })

  test('stays in its tenant; an administrator names another one, and unknown ones do not exist', async () => {
    const admin = await platform.token('admin')
    const as = (bearer: string, tenant: string) => post('/v1/notes', '{"text":"x"}', { authorization: `Bearer ${bearer}`, 'curfew-tenant': tenant })
    expect((await as(admin, 'acme')).body['caller']).toMatchObject({ tenant: 'acme', clientId: 'ops' })
    for (const [bearer, tenant] of [[token, 'acme'], [admin, 'nowhere'], [admin, '']] as const) expect(outcome(await as(bearer, tenant))).toEqual([404, 'tenant.unknown'])
    expect(outcome(await ask('/v1/notes', bearing(`Bearer ${await platform.token('audit:read', { tenant: 'gone' })}`)))).toEqual([404, 'tenant.unknown'])
  })
})

describe('a body', () => {
  test('that breaks its schema is refused with a pointer for each objection', async () => {
    const { status, body } = await post('/v1/notes', '{"text":1,"deep":[{"a":"x"}],"more":1}')
    expect([status, body['code'], (body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer)]).toEqual([400, 'request.invalid', ['/text', '/deep/0/a', '/more']])
  })

  test.each([
    ['nothing', ''], ['no JSON', '{"text":'], ['not UTF-8', 'latin'], ['too deep', `{"deep":${'['.repeat(40)}${']'.repeat(40)}}`], ['a prototype', '{"__proto__":{"admin":1},"text":"x"}'],
    ['no object', '[]'],
  ])('that holds %s is a bad request', async (what, body) => {
    const answer = await ask('/v1/notes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: what === 'not UTF-8' ? new Uint8Array([0x22, 0xff, 0x22]) : body })
    expect(outcome(answer)).toEqual([400, 'request.invalid'])
  })

  test('larger than a mebibyte is refused before it is read', async () => {
    expect(outcome(await post('/v1/notes', JSON.stringify({ text: 'x'.repeat(1_048_576) })))).toEqual([413, 'request.too_large'])
  })

  test.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'nonsense'])('of type %s is not taken', async (type) => {
    expect(outcome(await post('/v1/notes', 'text=x', { 'content-type': type }))).toEqual([415, 'request.unsupported_media'])
  })

  test('may be JSON by any of its names', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/cloudevents+json', 'application/cloudevents-batch+json']) {
      expect((await post('/v1/notes', '{"text":"x"}', { 'content-type': type })).status).toBe(201)
    }
  })
})

describe('a query', () => {
  test.each([['?x=1', '?x'], ['?limit=900', '?limit'], ['?limit=1&limit=2', '?limit'], ['?q=1&q=1', '?q'], ['?__proto__=1', '?__proto__'], ['?constructor=1', '?constructor']])('%s is refused', async (query, pointer) => {
    const { status, body } = await ask(`/v1/notes${query}`)
    expect([status, (body['errors'] as { pointer: string }[]).map((each) => each.pointer)]).toEqual([400, [pointer]])
  })

  test('on a route that takes none is refused by name, after the credentials', async () => {
    expect((await ask('/v1/notes/7?x=1')).body).toMatchObject({ code: 'request.invalid', errors: [{ pointer: '?x' }] })
    expect((await fetch(`${services.url}/v1/notes/7?x=1`)).status).toBe(401)
  })

  test('has its defaults', async () => expect((await ask('/v1/notes?q=a%20b')).body).toEqual({ q: 'a b', limit: 50 }))
})

describe('a problem', () => {
  test('names the request, hides its cause and is of the standard\'s type', async () => {
    const answer = await ask('/v1/notes/none', { headers: { 'x-request-id': '01A20CB3-acf0-74ed-a344-883c520bda6c' } })
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.headers.get('x-request-id')).toBe('01A20CB3-acf0-74ed-a344-883c520bda6c')
    expect(answer.body).toEqual({
      type: 'https://curfew.dev/problems/audit.unknown', title: 'Audit event unknown', status: 404, code: 'audit.unknown', detail: 'no note of this id',
      instance: 'urn:uuid:01a20cb3-acf0-74ed-a344-883c520bda6c',
    })
  })

  test('nobody expected says nothing to the caller and everything to the log', async () => {
    const answer = await ask('/v1/notes/broken')
    expect([...outcome(answer), answer.body['detail'], answer.headers.get('retry-after')]).toEqual([500, 'internal', undefined, null])
    expect(answer.text).not.toContain('hunter2')
    const logged = platform.lines.map((line) => JSON.parse(line) as { level: number; requestId?: string; err?: { stack: string } }).find(({ level }) => level === 50)
    expect([logged?.requestId, logged?.err?.stack]).toEqual([answer.headers.get('x-request-id'), expect.stringContaining('NotesHttp.show')])
  })

  test('that passes says when to come back', async () => {
    const answer = await ask('/v1/notes/overloaded')
    expect([...outcome(answer), answer.headers.get('retry-after')]).toEqual([503, 'service.overloaded', '1'])
  })

  test.each([
    ['GET', '/v1/nothing', 404, 'route.unknown', null], ['GET', '/v1/notes/', 404, 'route.unknown', null], ['GET', '/V1/notes', 404, 'route.unknown', null],
    ['PUT', '/v1/notes', 405, 'method.not_allowed', 'GET, HEAD, POST'], ['PATCH', '/v1/notes/7', 405, 'method.not_allowed', 'DELETE, GET, HEAD'], ['POST', '/livez', 405, 'method.not_allowed', 'GET, HEAD'],
    ['GET', '/v1/notes/%zz', 400, 'request.invalid', null],
  ])('%s %s is %d %s', async (method, path, status, code, allow) => {
    const answer = await ask(path, { method })
    expect([...outcome(answer), answer.headers.get('allow')]).toEqual([status, code, allow])
    expect(answer.headers.get('x-request-id')).toBeTruthy()
  })

  test('a path whose parts are longer than any id is a bad request', async () => {
    expect(outcome(await ask(`/v1/notes/${'x'.repeat(2_000)}`))).toEqual([400, 'request.invalid'])
  })

  test('bytes that are no HTTP are answered and the connection closed', async () => {
    expect(await speak('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/)
    expect(await speak(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  })

  test('is never an answer that a handler chose itself', async () => expect((await ask('/v1/notes/accepted')).status).toBe(202))
})

describe('an OAuth endpoint', () => {
  test('takes forms and answers as its standard says', async () => {
    expect(await form('grant_type=client_credentials&unknown=ignored')).toMatchObject({ status: 200, body: { grant_type: 'client_credentials' } })
    expect(await form('grant_type=password')).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type', error_description: 'only client_credentials' } })
    expect(await form('')).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await form('grant_type=a&grant_type=b')).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('challenges a client that came by Basic, and only that one', async () => {
    expect((await form('grant_type=wrong', { authorization: 'Basic b3BzOm9wcw==' })).headers.get('www-authenticate')).toBe('Basic realm="curfew"')
    const answer = await fetch(`${services.url}/oauth2/notes`, { method: 'POST', body: new URLSearchParams({ grant_type: 'wrong' }) })
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([401, null, { error: 'invalid_client', error_description: 'unknown client or wrong secret' }])
  })

  test('hides what went wrong on our side', async () => {
    const answer = await form('grant_type=broken')
    expect([answer.status, answer.body['error'], answer.text.includes('hunter2')]).toEqual([500, 'server_error', false])
  })
})

test('answers of the API are kept nowhere and sniffed by nobody', async () => {
  for (const path of ['/v1/notes', '/v1/notes/none']) {
    const { headers } = await ask(path)
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
  }
})

test('the log has who, what and how long; no token, no URL, no id of anything (I12)', async () => {
  const secret = randomBytes(8).toString('hex')
  await ask(`/v1/notes/${secret}?q=${secret}`, { headers: { cookie: `session=${secret}`, 'x-request-id': 'abc' } })
  const [line] = platform.lines.map((each) => JSON.parse(each) as Record<string, unknown>).filter(({ msg }) => msg === 'request')
  expect(line).toMatchObject({ requestId: 'abc', method: 'GET', route: '/v1/notes/{id}', status: 400, client: 'ops', tenant: 'default', ms: expect.any(Number) as number })
  expect(platform.lines.join('')).not.toContain(secret)
  expect(platform.lines.join('')).not.toContain(token)
})

test('metrics count requests by route pattern', async () => {
  await ask('/v1/notes/7')
  const { text, headers } = await ask('/metrics')
  expect(headers.get('content-type')).toContain('text/plain')
  expect(text).toMatch(/curfew_http_request_duration_seconds_count\{method="GET",route="\/v1\/notes\/\{id\}",status="200"\} \d/)
  expect(text).not.toContain('/v1/notes/7')
})

test('the documents describe what is mounted, and need nothing from elsewhere', async () => {
  const { body } = await ask('/openapi.json')
  expect(Object.keys(body['paths'] as object)).toEqual([...new Set(sampleRoutes.map(({ path }) => path))])
  const page = await ask('/docs')
  expect(page.text).toContain('Notes &lt;of&gt; a sample.')
  expect(page.text.replace(/href="\/[a-z]+\.json"/g, '')).not.toMatch(/<script|<link|src=|href=|@import|url\(/)
  expect(page.headers.get('content-security-policy')).toContain('default-src \'none\'')
  expect((await ask('/asyncapi.json')).body['asyncapi']).toBe('3.0.0')
})

describe('rates', () => {
  test('are per client and tenant: one that exceeds its own is told when to come back, others go on', async () => {
    const limited = testPlatform({ ratePerMinute: 2 })
    const running = await startServices({ definitions: [sampleService(limited)], platform: limited, host: '127.0.0.1', port: 0 })
    const call = async (claims: { client_id?: string; tenant?: string } | undefined, path = '/v1/notes') => {
      const headers: Record<string, string> = claims ? { authorization: `Bearer ${await limited.token('audit:read', claims)}` } : {}
      return fetch(running.url + path, { headers })
    }
    const first = await call({ client_id: 'a' })
    expect([first.status, first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([200, '"default";q=2;w=60', expect.stringMatching(/^"default";r=1;t=\d+$/)])
    await call({ client_id: 'a' })
    const third = await call({ client_id: 'a' })
    expect([third.status, await third.json(), Number(third.headers.get('retry-after')) > 0]).toEqual([429, expect.objectContaining({ code: 'rate.limited' }), true])
    expect((await call({ client_id: 'a', tenant: 'acme' })).status).toBe(200)
    expect((await call({ client_id: 'b' })).status).toBe(200)
    expect([(await call(undefined)).status, (await call(undefined)).status, (await call(undefined)).status]).toEqual([401, 401, 429])
    // Unknown paths have an allowance of their own, and a refusal there is a refusal, not a 404.
    expect([(await call(undefined, '/x')).status, (await call(undefined, '/x')).status, (await call(undefined, '/x')).status]).toEqual([404, 404, 429])
    for (let at = 0; at < 5; at += 1) expect((await call(undefined, '/livez')).status).toBe(200)
    await running.close()
  })
})

describe('starting', () => {
  test('is refused when routes or scopes are not those of the catalogue', async () => {
    const one = testPlatform()
    const heard = new Heard()
    const routes = [...sampleRoutes.slice(1), { ...sampleRoutes[0]!, scope: 'admin' as const }, { ...sampleRoutes[0]!, path: '/v1/more' }]
    await expect(startServices({ definitions: [sampleService(one, heard, { routes })], platform: one, host: '127.0.0.1', port: 0 }))
      .rejects.toThrow(/POST \/v1\/more is in the catalogue and not mounted[\s\S]*POST \/v1\/notes asks for audit:read, the catalogue says admin/)
    expect(heard.closed).toBe(1)
  })

  test('on a port that is taken fails with a reason, and leaves nothing behind', async () => {
    const one = testPlatform()
    const heard = new Heard()
    await expect(startServices({ definitions: [sampleService(one, heard)], platform: one, host: '127.0.0.1', port: Number(new URL(services.url).port) })).rejects.toThrow('EADDRINUSE')
    expect(heard.closed).toBe(1)
  })
})

async function speak(text: string): Promise<string> {
  const socket = connect(Number(new URL(services.url).port), '127.0.0.1')
  socket.write(text)
  let answer = ''
  socket.on('data', (bytes: Buffer) => void (answer += bytes.toString('latin1')))
  await once(socket, 'close')
  return answer
}
