import type { AccessTokenClaims } from '@curfew/tokens'
import fc from 'fast-check'
import { forwardedHeaders, returnedHeaders } from './forwarded-headers.js'
import { headerText, identityHeaders } from './identity-headers.js'
import { targetOf } from './target.js'

const claims = { tenant: 'acme', sub: 'alice', client_id: 'web', sid: 's-1' } as AccessTokenClaims
const by = { claims, cookieName: '__Host-curfew', clientAddress: '10.0.0.9', isEncrypted: false, trustForwarded: false }
const pairs = (raw: string[]) => raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] as string] as [string, string]] : []))
const all = (raw: string[], name: string) => pairs(raw).filter(([each]) => each === name).map(([, value]) => value)
const forwarded = (raw: string[], more = {}) => forwardedHeaders(raw, { ...by, ...more })

test('end-to-end headers go on in order and with repeats; the token and traceparent too', () => {
  const raw = ['Accept', 'a', 'X-Thing', '1', 'x-thing', '2', 'Authorization', 'Bearer x', 'traceparent', '00-ab-cd-01']
  expect(forwarded(raw).slice(0, raw.length)).toEqual(raw)
})

test('what means one connection ends here, also what Connection names', () => {
  const raw = ['Connection', 'keep-alive, X-Hop', 'Keep-Alive', '5', 'X-Hop', '1', 'TE', 'trailers', 'Trailer', 'x', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c',
    'Proxy-Authorization', 'x', 'Proxy-Connection', 'x', 'HTTP2-Settings', 'x', 'Expect', '100-continue']
  expect(pairs(forwarded(raw)).map(([name]) => name)).toEqual(['x-forwarded-for', 'x-forwarded-proto', 'via', 'x-curfew-tenant', 'x-curfew-subject', 'x-curfew-client', 'x-curfew-session'])
  expect(returnedHeaders(['Connection', 'close, X-Hop', 'x-hop', '1', 'Set-Cookie', 'a', 'Set-Cookie', 'b', 'Transfer-Encoding', 'chunked'])).toEqual(['Set-Cookie', 'a', 'Set-Cookie', 'b'])
})

test('who is calling is said by the gateway alone: a client\'s X-Curfew headers are removed in every spelling, and Connection cannot remove ours', () => {
  const raw = ['X-Curfew-Subject', 'admin', 'X-Curfew-Tenant', 'other', 'x_curfew_subject', 'admin', 'X-CURFEW_Session', 'x', 'x-curfew-anything', 'x', 'X_Curfew-Client', 'x', 'Connection', 'x-curfew-subject, x-forwarded-for']
  const sent = forwarded(raw)
  expect(pairs(sent).filter(([name]) => /curfew.(?!$)/.test(name.replaceAll('_', '-')) && name !== 'via')).toEqual([['x-curfew-tenant', 'acme'], ['x-curfew-subject', 'alice'], ['x-curfew-client', 'web'], ['x-curfew-session', 's-1']])
  expect(all(sent, 'x-forwarded-for')).toEqual(['10.0.0.9'])
})

test('the session cookie stays here, other cookies go on', () => {
  expect(all(forwarded(['Cookie', 'a=b; __Host-curfew=tok; c=d', 'cookie', '__Host-curfew=tok']), 'cookie')).toEqual(['a=b; c=d'])
})

describe('how the request came', () => {
  const strangers = ['Host', 'app.test', 'X-Forwarded-For', '6.6.6.6', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'evil.test', 'X_Forwarded_Host', 'evil.test', 'X-Forwarded-Port', '1', 'Forwarded', 'for=6.6.6.6', 'X-Real-IP', '6.6.6.6']

  test('is said by the gateway where strangers connect', () => {
    const sent = forwarded(strangers)
    expect(['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded', 'x-real-ip', 'x_forwarded_host'].map((name) => all(sent, name)))
      .toEqual([['app.test'], ['10.0.0.9'], ['http'], ['app.test'], [], [], [], []])
  })

  test('is added to where a load balancer connects', () => {
    const sent = forwarded([...strangers, 'x-forwarded-for', '10.0.0.8'], { trustForwarded: true })
    expect(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded'].map((name) => all(sent, name)))
      .toEqual([['6.6.6.6, 10.0.0.8, 10.0.0.9'], ['https'], ['evil.test'], ['1'], ['for=6.6.6.6']])
  })

  test('names the authority of an absolute request target rather than its Host header (RFC 9112 section 3.2.2)', () => {
    expect(all(forwarded(['Host', 'other.test'], { authority: 'app.test' }), 'host')).toEqual(['app.test'])
  })
})

describe('identity headers', () => {
  test('hold what people write, readable, and everything else percent-encoded', () => {
    expect([headerText('alice+1@example.com'), headerText('auth0|12/3:4='), headerText('Zoë, 李\r\nX-Evil: 1%')]).toEqual(
      ['alice+1@example.com', 'auth0|12/3:4=', 'Zo%C3%AB%2C%20%E6%9D%8E%0D%0AX-Evil:%201%25'])
  })

  test('are safe whatever a name holds, and decode to it', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
      expect(headerText(name)).toMatch(/^[!-+\-./0-~]+$/)
      expect(decodeURIComponent(headerText(name))).toBe(name)
    }))
  })

  test('name the agents from the one that calls inwards, separated by commas', () => {
    const act = { sub: 'svc,1', act: { sub: 'x', agent_id: 'planner', act: { sub: 'human' } } }
    expect(identityHeaders({ ...claims, agent_id: 'bot', act } as AccessTokenClaims).slice(-2)).toEqual(['x-curfew-agent-chain', 'bot,svc%2C1,planner,human'])
    expect(identityHeaders({ ...claims, agent_id: 'bot', act: { sub: 'y', agent_id: 'bot' } } as AccessTokenClaims).slice(-2)).toEqual(['x-curfew-agent-chain', 'bot'])
  })

  test('of client credentials name no session', () => {
    expect(identityHeaders({ tenant: 'acme', sub: 'svc', client_id: 'svc' } as AccessTokenClaims)).toEqual(['x-curfew-tenant', 'acme', 'x-curfew-subject', 'svc', 'x-curfew-client', 'svc'])
  })

  test('tell two subjects of one name in two tenants apart', () => {
    expect(identityHeaders({ ...claims, tenant: 'other' }).slice(0, 4)).toEqual(['x-curfew-tenant', 'other', 'x-curfew-subject', 'alice'])
  })

  test('tell a subject of another issuer from Curfew\'s own of the same name', () => {
    const alice = { tenant: 'acme', iss: 'https://curfew.test', sub: 'alice', client_id: 'web' }
    const own = ['x-curfew-tenant', 'acme', 'x-curfew-subject', 'alice', 'x-curfew-client', 'web']
    expect(identityHeaders(alice as AccessTokenClaims)).toEqual(own)
    expect(identityHeaders({ ...alice, sub_iss: 'https://curfew.test' } as AccessTokenClaims)).toEqual(own)
    expect(identityHeaders({ ...alice, sub_iss: 'https://idp.test' } as AccessTokenClaims)).toEqual([...own, 'x-curfew-subject-issuer', 'https://idp.test'])
  })
})

test.each([
  ['/a/../b?c=%2e%2e', '', { path: '/a/../b?c=%2e%2e' }], ['//evil/x', '', { path: '//evil/x' }], ['/x', '/base', { path: '/base/x' }],
  ['http://app.test/x?y', '', { path: '/x?y', authority: 'app.test' }], ['HTTPS://app.test', '/b', { path: '/b/', authority: 'app.test' }], ['http://app.test?y', '', { path: '/?y', authority: 'app.test' }],
  ['*', '', undefined], ['app.test:443', '', undefined], ['', '', undefined], ['http://user@app.test/', '', undefined],
])('the target %j goes on as it came', (requestTarget, prefix, expected) => {
  expect(targetOf(requestTarget, prefix)).toEqual(expected)
})
