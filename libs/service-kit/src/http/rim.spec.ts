import { isExceeded, rateHeaders, rateKey } from './rate-limit.js'
import { requestIdOf, requestUri } from './request-id.js'
import { allowedMethods, routeDifferences, templateOf } from './routing.js'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a request\'s id', () => {
  test('is the one it came with when that is sane', () => {
    for (const id of ['abc-123', '4bf92f3577b34da6a3ce929d0e0e4736', 'A.b_c~d']) expect(requestIdOf(id)).toBe(id)
  })

  test.each([undefined, '', 'two words', 'a\nb', '"quoted"', 'x'.repeat(129), ['a', 'b'], '<script>'])('is a new UUIDv7 instead of %p', (given) => {
    expect(requestIdOf(given)).toMatch(uuid)
  })

  test('is a URN when it is a UUID and a tag URI when a stranger chose it', () => {
    expect(requestUri('01A20CB3-acf0-74ed-a344-883c520bda6c')).toBe('urn:uuid:01a20cb3-acf0-74ed-a344-883c520bda6c')
    expect(requestUri('abc')).toBe('tag:curfew.dev,2026:request/abc')
  })
})

describe('routing', () => {
  const routes = [{ method: 'GET', path: '/v1/a/{id}' }, { method: 'PUT', path: '/v1/a/{id}' }, { method: 'GET', path: '/v1/a/b' }, { method: 'POST', path: '/v1/a' }]

  test('patterns read as the catalogue writes them', () => expect(templateOf('/v1/a/:id/b/:other_1')).toBe('/v1/a/{id}/b/{other_1}'))

  test.each([['/v1/a/7', ['GET', 'PUT']], ['/v1/a/b', ['GET', 'PUT']], ['/v1/a', ['POST']], ['/v1/a/', []], ['/v1/a/7/8', []], ['/', []]])('%s takes %j', (path, methods) => {
    expect(allowedMethods(routes, path)).toEqual(methods)
  })

  test('a route that is missing, extra or guarded by another scope than promised is named', () => {
    const mounted = [{ method: 'GET', path: '/v1/a', scope: 'audit:read' }, { method: 'GET', path: '/v1/extra' }]
    expect(routeDifferences(mounted, [{ method: 'GET', path: '/v1/a', scope: 'admin' }, { method: 'PUT', path: '/v1/b' }])).toEqual([
      'PUT /v1/b is in the catalogue and not mounted', 'GET /v1/extra is mounted and not in the catalogue', 'GET /v1/a asks for audit:read, the catalogue says admin',
    ])
    expect(routeDifferences(mounted, [{ method: 'GET', path: '/v1/a', scope: 'audit:read' }, { method: 'GET', path: '/v1/extra' }])).toEqual([])
  })
})

describe('a rate limit', () => {
  test('lets the last allowed call through and refuses the next', () => {
    expect([isExceeded({ limit: 2, hits: 2, resetMs: 1 }), isExceeded({ limit: 2, hits: 3, resetMs: 1 })]).toEqual([false, true])
  })

  test('says what is left and until when, and never less than nothing', () => {
    expect(rateHeaders({ limit: 100, hits: 40, resetMs: 1_500 })).toEqual({ 'ratelimit-policy': '"default";q=100;w=60', ratelimit: '"default";r=60;t=2' })
    expect(rateHeaders({ limit: 100, hits: 400, resetMs: 0 })).toMatchObject({ ratelimit: '"default";r=0;t=0' })
  })

  test('counts clients in their tenants, whatever their names hold, and strangers by address', () => {
    const keys = [
      rateKey('session', { tenant: 'a', clientId: 'b' }, '1.2.3.4'), rateKey('session', { tenant: 'a', clientId: 'b"]' }, '1.2.3.4'), rateKey('audit', { tenant: 'a', clientId: 'b' }, '1.2.3.4'),
      rateKey('session', undefined, '1.2.3.4'), rateKey('session', undefined, '1.2.3.5'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('one holder of an IPv6 network counts as one', () => {
    const key = (address: string) => rateKey('session', undefined, address)
    expect(key('2001:db8::1')).toBe(key('2001:db8:0:0:ffff::9'))
    expect(key('2001:db8:0:1::1')).not.toBe(key('2001:db8::1'))
    expect(key('::ffff:1.2.3.4')).toBe(key('1.2.3.4'))
  })
})
