import { ManualClock, systemClock } from '@curfew/kernel'
import { freePort, until } from '@curfew/testing'
import { request } from 'undici'
import type { RunningGateway } from './compose.js'
import { startDemoUpstream, type DemoUpstream } from './demo-upstream.http.js'
import { listening, readyGateway, ScriptedControlPlane, startGateway } from './running-gateway.contract.js'

let plane: ScriptedControlPlane
let upstream: DemoUpstream
let gateway: RunningGateway | undefined

beforeEach(async () => {
  plane = await ScriptedControlPlane.start()
  upstream = await startDemoUpstream()
})
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
  await Promise.all([plane.close(), upstream.close()])
})

async function call(headers: Record<string, string> = {}, path = '/hello?x=1', url = gateway?.proxyUrl) {
  const { statusCode: status, headers: answered, body } = await request(`${url}${path}`, { headers })
  const text = await body.text()
  const json = (text.startsWith('{') ? JSON.parse(text) : {}) as { code?: string; headers?: Record<string, string>; path?: string; detail?: string }
  return { status, headers: answered, json, text }
}
const withToken = async (token: Promise<string> | string) => ({ authorization: `Bearer ${await token}` })
const codeFor = async (token: Promise<string> | string) => (await call(await withToken(token))).json.code
const asReady = async (...more: [Parameters<typeof startGateway>[1]?, Parameters<typeof startGateway>[2]?]) => (gateway = await readyGateway(plane, { upstreamUrl: upstream.url, ...more[0] }, more[1]))

describe('the path of one revocation', () => {
  test('a session is served, revoked, and refused at once; a session begun after the cutoff works', async () => {
    await asReady()
    const token = await plane.token({ agent_id: 'bot' })
    const served = await call({ ...(await withToken(token)), 'x-curfew-subject': 'admin', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
    expect([served.status, served.json.path]).toEqual([200, '/hello?x=1'])
    expect(served.json.headers).toMatchObject({
      'x-curfew-subject': 'alice', 'x-curfew-session': 's-1', 'x-curfew-client': 'web', 'x-curfew-agent-chain': 'bot', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', authorization: '[not shown]',
    })
    plane.revoke({ kind: 'subject', issuer: 'https://curfew.localhost', sub: 'alice' }, Date.now())
    const refused = await call(await withToken(token))
    expect([refused.status, refused.json.code, refused.headers['www-authenticate']]).toEqual([401, 'session.revoked', 'Bearer error="invalid_token", error_description="The session has ended"'])
    expect(await codeFor(plane.token({ sid: 's-2', began_at: Date.now() + 1 }))).toBeUndefined()
  })

  test.each([
    [{ kind: 'session', id: 's-1' }], [{ kind: 'token', jti: 'jti-1', issuer: 'https://curfew.localhost' }], [{ kind: 'key', kid: 'key-1', issuer: 'https://curfew.localhost' }],
  ] as const)('%j is dead whatever its beginning says', async (scope) => {
    await asReady()
    const token = await plane.token({ jti: 'jti-1' })
    expect(await codeFor(token)).toBeUndefined()
    plane.revoke(scope)
    expect(await codeFor(token)).toBe('session.revoked')
  })

  test('a browser is served by its cookie, which the upstream does not see, and is forgotten when revoked', async () => {
    await asReady()
    const cookie = `theme=dark; __Host-curfew=${await plane.token()}`
    const served = await call({ cookie })
    expect([served.status, served.json.headers?.cookie, served.json.headers?.authorization]).toEqual([200, '[not shown]', undefined])
    plane.revoke({ kind: 'session', id: 's-1' })
    const refused = await call({ cookie })
    expect([refused.status, refused.headers['clear-site-data'], refused.headers['set-cookie']]).toEqual([401, '"cookies", "storage"', '__Host-curfew=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure'])
  })
})

describe('a token that is not good enough', () => {
  const seconds = () => Math.floor(Date.now() / 1000)
  test.each<[string, string, () => Promise<string>]>([
    ['unreadable', 'token.malformed', async () => 'nonsense'],
    ['signed by nobody', 'token.signature', async () => `${(await plane.token()).slice(0, -8)}AAAAAAAA`],
    ['of another issuer', 'token.issuer', () => plane.token({ iss: 'https://other.test' })],
    ['for another audience', 'token.audience', () => plane.token({ aud: 'other' })],
    ['expired', 'token.expired', () => plane.token({ iat: seconds() - 400, exp: seconds() - 100, began_at: Date.now() - 400_000 })],
    ['not valid yet', 'token.not_yet_valid', () => plane.token({ nbf: seconds() + 100 })],
    ['of a session too old', 'token.too_old', () => plane.token({ began_at: Date.now() - 2_600_000_000 })],
    ['with another algorithm', 'token.algorithm', async () => {
      const [, payload, signature] = (await plane.token()).split('.')
      return `${Buffer.from('{"alg":"HS256","typ":"at+jwt","kid":"key-1"}').toString('base64url')}.${payload}.${signature}`
    }],
  ])('%s is refused with %s', async (_what, code, token) => {
    await asReady()
    const { status, json, headers } = await call(await withToken(token()))
    expect([status, json.code, String(headers['www-authenticate']).startsWith('Bearer error="invalid_token"')]).toEqual([401, code, true])
  })

  test('none at all is told the scheme', async () => {
    await asReady()
    const { status, json, headers } = await call()
    expect([status, json.code, headers['www-authenticate'], headers['content-type']]).toEqual([401, 'token.missing', 'Bearer', 'application/problem+json'])
  })
})

describe('readiness', () => {
  test('it listens at once and says not_ready, on the proxy and on the admin port, until it has caught up', async () => {
    gateway = await startGateway(plane, { upstreamUrl: upstream.url })
    const early = await call(await withToken(plane.token()))
    expect([early.status, early.json.code, early.headers['retry-after']]).toEqual([503, 'gateway.not_ready', '1'])
    const probe = await call({}, '/readyz', gateway.adminUrl)
    expect([probe.status, probe.json.code, (await call({}, '/livez', gateway.adminUrl)).status]).toEqual([503, 'gateway.not_ready', 200])
    await until(async () => {
      plane.mark()
      return (await call({}, '/readyz', gateway?.adminUrl)).status === 200
    }, { timeoutMs: 10_000, what: 'readiness' })
    expect(await codeFor(plane.token())).toBeUndefined()
    expect(plane.registered.get('edge-1')).toMatchObject({ posture: 'deny', budgetMs: 60_000, version: '0.1.0' })
  })

  test('while the issuer\'s keys cannot be read it is not ready, rather than calling good tokens bad', async () => {
    plane.keysAreDown = true
    gateway = await startGateway(plane, { upstreamUrl: upstream.url })
    await until(() => plane.registered.size === 1, { timeoutMs: 10_000, what: 'registration' })
    plane.mark()
    expect([await codeFor(plane.token()), (await call({}, '/readyz', gateway.adminUrl)).json.detail]).toEqual(['gateway.not_ready', 'the issuer\'s keys are not known yet'])
    plane.keysAreDown = false
    await until(async () => {
      plane.mark()
      return gateway?.isReady()
    }, { timeoutMs: 10_000, what: 'readiness' })
    expect(await codeFor(plane.token())).toBeUndefined()
  })

  test('with the whole control plane away at its start, it waits and becomes ready when it is there', async () => {
    plane.isDown = plane.keysAreDown = true
    gateway = await startGateway(plane, { upstreamUrl: upstream.url })
    await until(() => plane.asked.length > 3, { timeoutMs: 10_000, what: 'attempts' })
    plane.isDown = plane.keysAreDown = false
    await until(async () => {
      plane.mark()
      return gateway?.isReady()
    }, { timeoutMs: 10_000, what: 'readiness' })
  })
})

describe('past its budget or its lease', () => {
  // Real time passes through it too, but a test can make hours of it.
  class JumpingClock extends ManualClock {
    private readonly from = performance.now()
    override monotonicMs = (): number => this.jumped + performance.now() - this.from
    override now = () => systemClock.now() + this.jumped as ReturnType<typeof systemClock.now>
    jumped = 0
  }

  test('it refuses everybody with 503, keeps saying which tokens are bad, and serves again after a watermark', async () => {
    const clock = new JumpingClock(0)
    plane.leaseMs = 86_400_000
    await asReady({}, clock)
    expect(await codeFor(plane.token())).toBeUndefined()
    plane.primaryNow = () => Date.now() + clock.jumped
    clock.jumped = 61_000
    const stale = await call(await withToken(plane.token()))
    expect([stale.status, stale.json.code, stale.headers['retry-after']]).toEqual([503, 'gateway.stale', '1'])
    expect([await codeFor('nonsense'), (await call({}, '/readyz', gateway?.adminUrl)).status]).toEqual(['token.malformed', 503])
    plane.mark()
    expect(await codeFor(plane.token())).toBeUndefined()
  })

  test('it refuses when its lease ran out, however fresh its denylist is', async () => {
    const clock = new JumpingClock(0)
    plane.leaseMs = 5_000
    await asReady({}, clock)
    plane.isDown = true
    plane.primaryNow = () => Date.now() + clock.jumped
    clock.jumped = 5_000
    plane.mark()
    expect(await codeFor(plane.token())).toBe('gateway.stale')
    plane.isDown = false
    await until(async () => (await codeFor(plane.token())) === undefined, { timeoutMs: 10_000, what: 'the lease to be renewed' })
  })
})

test('a key that the issuer withdrew vouches for nothing any more once the keys were read again', async () => {
  const clock = new ManualClock(Date.now())
  clock.monotonicMs = () => performance.now() + jumped
  let jumped = 0
  plane.leaseMs = 86_400_000
  await asReady({ budgetMs: 86_400_000 }, clock)
  const [old, next] = [plane.key, await plane.newKey('key-2')]
  const token = await plane.token()
  expect(await codeFor(token)).toBeUndefined()
  plane.keys = [next]
  jumped = 130_000
  plane.primaryNow = () => Date.now() + jumped
  plane.mark()
  expect(await codeFor(plane.token({}, next))).toBeUndefined()
  expect([await codeFor(token), await codeFor(plane.token({}, old))]).toEqual(['token.signature', 'token.signature'])
})

describe('the admin port', () => {
  test('shows metrics, without anything of a session', async () => {
    await asReady()
    await codeFor(plane.token())
    await codeFor('nonsense')
    plane.log.append({ topic: 'x', key: null, value: Buffer.from('garbage'), headers: {} })
    plane.revoke({ kind: 'session', id: 'dead' })
    const { text, headers } = await call({}, '/metrics', gateway?.adminUrl)
    for (const line of ['curfew_gateway_requests_total{outcome="allowed"} 1', 'curfew_gateway_requests_total{outcome="token.malformed"} 1', 'curfew_gateway_entries 1',
      'curfew_gateway_feed_records_skipped_total{reason="not_authentic"} 1', 'curfew_gateway_ready 1', 'curfew_gateway_request_duration_seconds_count{outcome="allowed"} 1']) expect(text).toContain(`${line}\n`)
    expect(text).toMatch(/^curfew_gateway_staleness_ms \d+$/m)
    expect([text.includes('alice'), text.includes('s-1'), String(headers['content-type']).startsWith('text/plain')]).toEqual([false, false, true])
  })

  test('knows its own paths only, and the proxy knows none of them', async () => {
    await asReady()
    expect((await call({}, '/anything', gateway?.adminUrl)).json.code).toBe('route.unknown')
    expect((await request(`${gateway?.adminUrl}/livez`, { method: 'POST' })).statusCode).toBe(405)
    expect((await call(await withToken(plane.token()), '/metrics')).json.path).toBe('/metrics')
  })
})

describe('stopping', () => {
  test('it lets a request under way finish, takes no new one, and leaves the fleet', async () => {
    let finish = (): void => undefined
    const slow = await listening((_request, response) => {
      response.writeHead(200).write('begun,')
      finish = () => response.end('done')
    })
    gateway = await readyGateway(plane, { upstreamUrl: slow.url })
    const { body } = await request(`${gateway.proxyUrl}/slow`, { headers: await withToken(plane.token()) })
    const closing = gateway.close()
    await until(() => request(`${gateway?.proxyUrl}/`).then(() => false, () => true), { timeoutMs: 5_000, what: 'new connections to be refused' })
    expect(plane.registered.size).toBe(1)
    finish()
    expect(await body.text()).toBe('begun,done')
    await closing
    expect(plane.registered.size).toBe(0)
    await gateway.close()
    await slow.close()
  })

  test('what does not finish in time is cut', async () => {
    const stuck = await listening((_request, response) => void response.writeHead(200).write('begun,'))
    gateway = await readyGateway(plane, { upstreamUrl: stuck.url, drainMs: 100 })
    const { body } = await request(`${gateway.proxyUrl}/slow`, { headers: await withToken(plane.token()) })
    const reading = body.text().then(() => 'whole', () => 'cut')
    await gateway.close()
    expect(await reading).toBe('cut')
    await stuck.close()
  })

  test('a second gateway on a taken port fails, and leaves the first one\'s registration alone', async () => {
    const port = await freePort()
    await asReady({ port })
    await expect(startGateway(plane, { port })).rejects.toThrow('EADDRINUSE')
    expect([plane.registered.has('edge-1'), plane.asked.filter((what) => what.startsWith('DELETE'))]).toEqual([true, []])
    expect(await codeFor(plane.token())).toBeUndefined()
  })

  test('while the control plane is away, it stops all the same', async () => {
    await asReady()
    plane.isDown = true
    await gateway?.close()
    expect(plane.registered.size).toBe(1)
  })
})
