import { Fault } from '@curfew/contracts'
import { ManualClock, Secret } from '@curfew/kernel'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clientCredentials } from './client-credentials.http.js'
import { httpFeedHome } from './feed-home.http.js'

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void
let server: Server
let url: string
let asked: { method?: string; url?: string; authorization?: string; body: string }[]
let handle: Handler

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
      asked.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body })
      handle(request, response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const feed = { topic: 'curfew.revocations.v1', topicId: 't', partitions: 3, keys: [{ kty: 'OKP', kid: 'k', crv: 'Ed25519', x: 'AA' }] }
const lease = { id: 'g 1', registeredAt: '2026-11-23T20:15:04.000Z', primaryClock: '2026-11-23T20:15:05.000Z', leaseMs: 30_000, budgetMs: 60_000, feed }
const registration = { version: '0.1.0', budgetMs: 60_000, posture: 'deny' } as const
const gateway = { id: 'g 1', registration }
const faultOf = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => { throw new Error('it did not fail') }, (error: Fault) => error)

describe('the control plane over HTTP', () => {
  test('a gateway registers with its token, and learns its lease', async () => {
    handle = (_request, response) => json(response, 201, lease)
    const terms = await httpFeedHome({ url, token: async () => 'T', gateway }).join()
    expect(terms).toEqual({ primary: Date.parse(lease.primaryClock), since: Date.parse(lease.registeredAt), leaseMs: 30_000, budgetMs: 60_000, ...feed })
    expect(asked).toEqual([{ method: 'PUT', url: '/v1/gateways/g%201', authorization: 'Bearer T', body: JSON.stringify(registration) }])
  })

  test('who registers nothing reads the terms without credentials, and leaves without a word', async () => {
    handle = (_request, response) => json(response, 200, { primaryClock: lease.primaryClock, feed })
    const home = httpFeedHome({ url, token: () => Promise.reject(new Error('not asked')) })
    const terms = await home.join()
    expect([terms.primary, terms.since, terms.leaseMs, asked[0]]).toEqual([Date.parse(lease.primaryClock), terms.primary, undefined, { method: 'GET', url: '/v1/denylist/terms', authorization: undefined, body: '' }])
    await home.leave()
    expect(asked).toHaveLength(1)
  })

  test('a refused token is replaced once', async () => {
    handle = (request, response) => (request.headers.authorization === 'Bearer new' ? json(response, 200, lease) : json(response, 401, {}))
    const refused: unknown[] = []
    const token = async (old?: string): Promise<string> => {
      refused.push(old)
      return old === undefined ? 'old' : 'new'
    }
    await httpFeedHome({ url, token, gateway }).join()
    expect(refused).toEqual([undefined, 'old'])
    handle = (_request, response) => json(response, 401, {})
    expect(await faultOf(httpFeedHome({ url, token, gateway }).join())).toMatchObject({ code: 'auth.invalid' })
  })

  test('a snapshot comes as the bytes that were signed', async () => {
    const body = Buffer.from('{"x": "é"}')
    handle = (_request, response) => void response.writeHead(200, { etag: '"7"', 'curfew-signature': 'k.sig' }).end(body)
    expect(await httpFeedHome({ url, token: async () => 'T', gateway }).snapshot()).toEqual({ body, etag: '"7"', signature: 'k.sig' })
  })

  test('leaving deletes the registration', async () => {
    handle = (_request, response) => void response.writeHead(204).end()
    await httpFeedHome({ url, token: async () => 'T', gateway }).leave()
    expect(asked).toMatchObject([{ method: 'DELETE', url: '/v1/gateways/g%201' }])
  })

  test.each<[string, Handler, object]>([
    ['an error', (_q, response) => json(response, 503, {}), { code: 'dependency.unavailable' }],
    ['a missing scope', (_q, response) => json(response, 403, {}), { code: 'auth.scope' }],
    ['a redirect, which is not followed', (_q, response) => json(response, 302, {}, { location: '/elsewhere' }), { code: 'dependency.unavailable' }],
    ['no JSON', (_q, response) => void response.end('<html>'), { code: 'dependency.unavailable' }],
    ['another shape', (_q, response) => json(response, 200, { ...lease, leaseMs: 'soon' }), { code: 'dependency.unavailable' }],
    ['more than it should', (_q, response) => void response.end('x'.repeat(2_000_000)), { code: 'dependency.unavailable' }],
    ['half an answer', (_q, response) => { response.writeHead(200, { 'content-length': 100 }).write('{'); setImmediate(() => response.destroy()) }, { code: 'dependency.unavailable' }],
    ['a closed connection', (request) => void request.socket.destroy(), { code: 'dependency.unavailable' }],
  ])('%s is a fault that names the call and no secret', async (_what, answer, expected) => {
    handle = answer
    const fault = await faultOf(httpFeedHome({ url, token: async () => 'very-secret', gateway }).join())
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toMatchObject(expected)
    expect(fault.message).toContain(`PUT ${url}/v1/gateways/g%201`)
    expect(`${fault.message}${JSON.stringify(fault.details)}`).not.toContain('very-secret')
  })

  test('nobody there is a fault too', async () => {
    expect(await faultOf(httpFeedHome({ url: 'http://127.0.0.1:1', token: async () => 'T', gateway }).join())).toMatchObject({ code: 'dependency.unavailable' })
  })

  test('a snapshot under way ends when its signal says so', async () => {
    const ending = new AbortController()
    handle = (_request, response) => {
      response.writeHead(200).write('{')
      setImmediate(() => ending.abort())
    }
    expect(await faultOf(httpFeedHome({ url, token: async () => 'T', gateway }).snapshot(ending.signal))).toMatchObject({ code: 'dependency.unavailable' })
  })
})

describe('client credentials', () => {
  const clock = new ManualClock(0)
  const credentials = () => clientCredentials({ tokenUrl: `${url}/oauth2/token`, clientId: 'a:b c', clientSecret: new Secret('s€cret+'), clock })
  let serial = 0
  const tokens: Handler = (_request, response) => json(response, 200, { access_token: `T${(serial += 1)}`, token_type: 'Bearer', expires_in: 300 })
  beforeEach(() => {
    serial = 0
    handle = tokens
  })

  test('are sent form-encoded as Basic credentials, for one token that serves until a fifth of its life is left', async () => {
    const token = credentials()
    expect([await token(), await token()]).toEqual(['T1', 'T1'])
    clock.advance(239_999)
    expect(await token()).toBe('T1')
    clock.advance(1)
    expect(await token()).toBe('T2')
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/oauth2/token', body: 'grant_type=client_credentials' })
    expect(Buffer.from(asked[0]!.authorization!.slice(6), 'base64').toString()).toBe('a%3Ab+c:s%E2%82%ACcret%2B')
  })

  test('asked for by many at once, fetch one token', async () => {
    const token = credentials()
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => token())))).toEqual(new Set(['T1']))
    expect(asked).toHaveLength(1)
  })

  test('a token that was refused is not handed out again, a newer one is', async () => {
    const token = credentials()
    await token()
    expect([await token('T1'), await token('T1')]).toEqual(['T2', 'T2'])
  })

  test('a failure is not kept, and shows no secret', async () => {
    handle = (_request, response) => json(response, 401, {})
    const token = credentials()
    const fault = await faultOf(token())
    expect([fault.code, fault.message.includes('cret')]).toEqual(['auth.invalid', false])
    handle = tokens
    expect(await token()).toBe('T1')
  })
})
