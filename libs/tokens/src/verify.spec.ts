import { tenantId, type ManualClock } from '@curfew/kernel'
import fc from 'fast-check'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { exportJWK, exportSPKI, type CryptoKey } from 'jose'
import { maxActors, maxParents, type AccessTokenClaims } from './claims.js'
import { maxTokenLength } from './compact.js'
import { mintAccessToken } from './mint.js'
import { clockAtNow, encoded, forged, goodClaims, hmacSigned, issuer, keysOf, nowMs, outcomeOf, pair, rsaSigned, type Pair } from './tokens-under-test.contract.js'
import { createTokenVerifier, isRefused, type TokenVerifier, type TokenVerifierOptions, type Verified } from './verify.js'

const leewaySeconds = 5
const header = { alg: 'ES256', kid: 'ES256-1', typ: 'at+jwt' }
let key: Pair
let clock: ManualClock
let verifier: TokenVerifier

const verifierWith = (more: Partial<TokenVerifierOptions> = {}): TokenVerifier => createTokenVerifier({
  issuers: [{ issuer, audience: 'api', keys: keysOf(key), tenants: 'every' }], algorithms: ['ES256'], clock, leewaySeconds,
  maxTokenAgeMs: 3_600_000, maxSessionAgeMs: 2_592_000_000, ...more,
})
const mint = (more: Partial<AccessTokenClaims> = {}) => mintAccessToken({ ...goodClaims, ...more }, key)
/** Signed by the real key, whatever the claims are. */
const withClaims = (claims: object) => forged(header, claims, key)

beforeAll(async () => {
  key = await pair('ES256')
})
beforeEach(() => {
  clock = clockAtNow()
  verifier = verifierWith()
})

test('a token that was minted is verified, with its claims and facts', async () => {
  const outcome = (await verifier.verify(await mint({ device_id: 'd', agent_id: 'a', grant_id: 'g' }))) as Verified
  expect(outcome.claims).toEqual({ ...goodClaims, device_id: 'd', agent_id: 'a', grant_id: 'g' })
  expect(outcome.facts).toEqual({
    tenant: 'default', beganAt: goodClaims.began_at, expiresAt: goodClaims.exp * 1000,
    hops: [{ issuer, sub: 'alice', sessionId: 's-1', clientId: 'web', deviceId: 'd', agentId: 'a', grantId: 'g', jti: 'j-1', kid: 'ES256-1' }],
  })
})

test.each(['EdDSA', 'RS256'] as const)('%s is believed where it is allowed, and only there', async (alg) => {
  const other = await pair(alg)
  const token = await mintAccessToken(goodClaims, other)
  const issuers = [{ issuer, audience: 'api', keys: keysOf(key, other), tenants: 'every' as const }]
  expect(await outcomeOf(verifierWith({ issuers, algorithms: ['ES256', alg] }), token)).toBe('verified')
  expect(await outcomeOf(verifierWith({ issuers }), token)).toBe('token.algorithm')
})

describe('algorithms are chosen here, never by the token (RFC 8725 section 3.1)', () => {
  test.each(['none', 'None', 'NONE', 'HS256', 'HS512', 'es256', 'ES384', 'ES256K', 'PS256', 'RS1', ''])('%p is not allowed', async (alg) => {
    expect(await outcomeOf(verifier, await forged({ ...header, alg }, goodClaims, key))).toBe('token.algorithm')
  })

  test('none with its empty signature is no token at all', async () => {
    for (const signature of ['', '.', '=']) expect(await outcomeOf(verifier, `${encoded({ ...header, alg: 'none' })}.${encoded(goodClaims)}.${signature}`)).toBe('token.malformed')
  })

  test('a MAC with the public key as its secret proves nothing, in any of the forms a public key has', async () => {
    const rsa = await pair('RS256', 'RS256-1')
    const issuers = [{ issuer, audience: 'api', keys: keysOf(key, rsa), tenants: 'every' as const }]
    const both = verifierWith({ issuers, algorithms: ['ES256', 'RS256'] })
    for (const { publicKey, kid } of [key, rsa]) {
      for (const secret of [await exportSPKI(publicKey), (await exportSPKI(publicKey)).trim(), JSON.stringify(await exportJWK(publicKey))]) {
        const mac = (input: string) => createHmac('sha256', secret).update(input).digest()
        expect(await outcomeOf(both, hmacSigned({ ...header, alg: 'HS256', kid }, goodClaims, mac))).toBe('token.algorithm')
        expect(await outcomeOf(both, hmacSigned({ ...header, kid }, goodClaims, mac))).toBe('token.signature')
      }
    }
  })

  test('one key is never used with the algorithm of another', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const both = verifierWith({ algorithms: ['ES256', 'RS256', 'EdDSA'] })
    expect(await outcomeOf(both, rsaSigned({ ...header, alg: 'RS256' }, goodClaims, rsa.privateKey))).toBe('token.signature')
    expect(await outcomeOf(both, await forged({ ...header, alg: 'EdDSA' }, goodClaims, key))).toBe('token.signature')
  })

  test.each([[undefined], [null], [7], [['ES256']], [{}]])('%p is no algorithm', async (alg) => {
    expect(await outcomeOf(verifier, await forged({ ...header, alg }, goodClaims, key))).toBe('token.malformed')
  })
})

describe('keys come from configuration, never from the token (RFC 8725 section 3.10)', () => {
  test('a key that the token brings along is not looked at', async () => {
    const forger = await pair('ES256')
    const jwk = await exportJWK(forger.publicKey)
    for (const brought of [{ jwk }, { jku: 'https://evil.test/jwks' }, { x5u: 'https://evil.test/cert' }, { x5c: ['MII'] }]) {
      expect(await outcomeOf(verifier, await forged({ ...header, ...brought }, goodClaims, forger))).toBe('token.malformed')
      expect(await outcomeOf(verifier, await forged({ ...header, ...brought }, goodClaims, key))).toBe('token.malformed')
    }
  })

  test.each([
    ['critical extensions', { crit: ['exp'] }], ['an empty list of them', { crit: [] }], ['an unencoded payload', { b64: false, crit: ['b64'] }],
    ['compression', { zip: 'DEF' }], ['encryption', { enc: 'A256GCM' }], ['a member that inheritance could hide', JSON.parse('{"crit":null}') as object],
  ])('%s are refused, since they are not understood', async (_what, more) => {
    expect(await outcomeOf(verifier, await forged({ ...header, ...more }, goodClaims, key))).toBe('token.malformed')
  })

  test.each([
    ['missing', undefined], ['empty', ''], ['a path', '../../../dev/null\u0000'], ['SQL', "x' UNION SELECT 'key"], ['a command', 'k|/usr/bin/id'], ['a number', 1], ['a list', ['ES256-1']], ['very long', 'k'.repeat(257)],
    ['a line break', 'k\nx'], ['not ASCII', 'k\u00e9'],
  ])('a key id that is %s is none', async (_what, kid) => {
    expect(await outcomeOf(verifier, await forged({ ...header, kid }, goodClaims, key))).toBe('token.malformed')
  })

  test.each(['__proto__', 'constructor', 'toString', 'ES256-2', '../keys/1', '%00'])('the key id %p finds no key, or is none', async (kid) => {
    expect(['token.signature', 'token.malformed']).toContain(await outcomeOf(verifier, await forged({ ...header, kid }, goodClaims, key)))
  })

  test('a key of another issuer does not vouch, even under the same key id', async () => {
    const other = await pair('ES256', key.kid)
    const issuers = [{ issuer, audience: 'api', keys: keysOf(key), tenants: 'every' as const }, { issuer: 'https://other.test', audience: 'api', keys: keysOf(other), tenants: 'every' as const }]
    const both = verifierWith({ issuers })
    expect(await outcomeOf(both, await mintAccessToken(goodClaims, other))).toBe('token.signature')
    expect(await outcomeOf(both, await mintAccessToken({ ...goodClaims, iss: 'https://other.test' }, other))).toBe('verified')
  })

  test('a key source that fails or hands out nonsense vouches for nothing', async () => {
    const token = await mint()
    for (const source of [{ key: () => Promise.reject(new Error('down')) }, { key: async () => ({}) as CryptoKey }, { key: () => { throw new Error('defect') } }]) {
      expect(await outcomeOf(verifierWith({ issuers: [{ issuer, audience: 'api', keys: source, tenants: 'every' }] }), token)).toBe('token.signature')
    }
  })

  test('an RSA key that is too short vouches for nothing', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const imported = await crypto.subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['verify'])
    const issuers = [{ issuer, audience: 'api', keys: { key: async () => imported as CryptoKey }, tenants: 'every' as const }]
    expect(await outcomeOf(verifierWith({ issuers, algorithms: ['RS256'] }), rsaSigned({ ...header, alg: 'RS256' }, goodClaims, privateKey))).toBe('token.signature')
  })
})

describe('a token has one text', () => {
  test('any other character anywhere makes it another token', async () => {
    const token = await mint()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u00e9'
    await fc.assert(fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...alphabet), async (at, character) => {
      fc.pre(token[at] !== character)
      expect(await outcomeOf(verifier, token.slice(0, at) + character + token.slice(at + 1))).not.toBe('verified')
    }), { numRuns: 300 })
  })

  test('the last character of each part has one spelling, though decoding ignores some of its bits', async () => {
    const token = await mint()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const parts = token.split('.')
    for (const [which, part] of parts.entries()) {
      for (const last of alphabet) {
        const other = parts.with(which, part.slice(0, -1) + last).join('.')
        if (other !== token) expect(await outcomeOf(verifier, other)).not.toBe('verified')
      }
    }
  })

  test.each<[string, (token: string) => unknown]>([
    ['padding', (token) => `${token}=`], ['white space around it', (token) => ` ${token}`], ['a line break', (token) => `${token}\n`], ['a fourth part', (token) => `${token}.x`],
    ['a fifth part, as encrypted tokens have', (token) => `${token}.x.y`], ['only two parts', (token) => token.split('.').slice(0, 2).join('.')], ['nothing', () => ''], ['dots', () => '..'],
    ['classic base64', (token) => token.replace(/[-_]/g, (one) => (one === '-' ? '+' : '/')) + '+'], ['no text', () => undefined], ['an object', () => ({ toString: () => 'x.y.z' })], ['a list', (token) => [token]],
    ['JSON serialisation', (token) => JSON.stringify({ payload: token.split('.')[1] })],
  ])('with %s it is malformed', async (_what, spoil) => {
    expect(await outcomeOf(verifier, spoil(await mint()))).toBe('token.malformed')
  })

  test('an ECDSA signature in DER, or cut, or of nothing but zeros, proves nothing', async () => {
    const [head, body, signature] = (await mint()).split('.') as [string, string, string]
    const raw = Buffer.from(signature, 'base64url')
    for (const bytes of [Buffer.alloc(64), raw.subarray(0, 63), Buffer.concat([raw, Buffer.alloc(1)]), Buffer.concat([Buffer.from([0x30, 0x44, 0x02, 0x20]), raw.subarray(0, 32), Buffer.from([0x02, 0x20]), raw.subarray(32)])]) {
      expect(await outcomeOf(verifier, `${head}.${body}.${bytes.toString('base64url')}`)).toBe('token.signature')
    }
  })
})

describe('JSON is read in exactly one way', () => {
  const text = JSON.stringify(goodClaims)
  test.each<[string, string]>([
    ['a claim named twice', text.replace('{', '{"sub":"admin",')], ['a claim named twice, once in escapes', text.replace('{', '{"\\u0073ub":"admin",')],
    ['a member named twice deep inside', text.replace('{', '{"act":{"sub":"a","sub":"b"},')], ['a byte order mark', `\ufeff${text}`], ['a list', '[]'], ['a text', '"x"'], ['null', 'null'],
    ['comments', `${text}//`], ['two values', `${text}{}`], ['a trailing comma', text.replace('}', ',}')],
    ['nesting that is nobody\'s', text.replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`)], ['nesting as deep as a token is long', '['.repeat(6_000)],
  ])('%s makes a payload unreadable, signed or not', async (_what, payload) => {
    expect(await outcomeOf(verifier, await forged(header, payload, key))).toBe('token.malformed')
  })

  test('a header with two algorithms, or one in escapes, is unreadable', async () => {
    for (const head of ['{"alg":"none","alg":"ES256","kid":"ES256-1","typ":"at+jwt"}', '{"alg":"ES256","\\u0061lg":"none","kid":"ES256-1","typ":"at+jwt"}', '', '{', 'null']) {
      expect(await outcomeOf(verifier, await forged(head, goodClaims, key))).toBe('token.malformed')
    }
  })

  test('bytes that are not UTF-8 are unreadable', async () => {
    const body = Buffer.from(text)
    body[body.indexOf('alice')] = 0xff
    const input = `${encoded(header)}.${body.toString('base64url')}`
    expect(await outcomeOf(verifier, `${input}.${'A'.repeat(86)}`)).toBe('token.malformed')
  })

  test('members called like what objects inherit change nothing', async () => {
    const odd = text.replace('{', '{"__proto__":{"exp":1},"constructor":1,"toString":2,')
    expect(await outcomeOf(verifier, await forged(header, odd, key))).toBe('verified')
    expect(await outcomeOf(verifier, await forged('{"alg":"ES256","__proto__":{"kid":"ES256-1","typ":"at+jwt"}}', goodClaims, key))).toBe('token.malformed')
  })
})

describe('size', () => {
  test('past the limit nothing is looked at, however it is built', async () => {
    const long = await forged(header, { ...goodClaims, x: 'x'.repeat(maxTokenLength) }, key)
    expect(await outcomeOf(verifier, long)).toBe('token.malformed')
    expect(await outcomeOf(verifier, '.'.repeat(10_000_000))).toBe('token.malformed')
  })

  test('up to it a token is read: unknown claims are ignored (RFC 7519 section 4)', async () => {
    expect(await outcomeOf(verifier, await forged(header, { ...goodClaims, x: 'x'.repeat(10_000) }, key))).toBe('verified')
  })
})

describe('only an access token is one (RFC 9068 section 4)', () => {
  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('the type %p is', async (typ) => {
    expect(await outcomeOf(verifier, await forged({ ...header, typ }, goodClaims, key))).toBe('verified')
  })
  test.each([undefined, 'JWT', 'secevent+jwt', 'logout+jwt', 'dpop+jwt', 'at+jwt;x', 'xat+jwt', '', 1, ['at+jwt']])('the type %p is not, though the issuer signed it', async (typ) => {
    expect(await outcomeOf(verifier, await forged({ ...header, typ }, goodClaims, key))).toBe('token.malformed')
  })
})

describe('who says it, to whom, for which tenant', () => {
  test.each(['https://curfew.test/', 'https://CURFEW.test', 'https://curfew.test\u0000', 'https://evil.test', '', '__proto__', 'constructor'])('the issuer %p is another one', async (iss) => {
    expect(await outcomeOf(verifier, await withClaims({ ...goodClaims, iss }))).toBe('token.issuer')
  })
  test.each([undefined, null, 1, ['https://curfew.test'], {}])('the issuer %p is none', async (iss) => {
    expect(await outcomeOf(verifier, await withClaims({ ...goodClaims, iss }))).toBe('token.malformed')
  })

  test('one audience of several is enough, one that is alike is not', async () => {
    expect(await outcomeOf(verifier, await mint({ aud: ['other', 'api'] }))).toBe('verified')
    for (const aud of ['API', 'api/', 'ap', ['other'], ['a', 'pi']]) expect(await outcomeOf(verifier, await withClaims({ ...goodClaims, aud }))).toBe('token.audience')
    for (const aud of [[], '', {}, ['api', 1], undefined, null, true]) expect(await outcomeOf(verifier, await withClaims({ ...goodClaims, aud }))).toBe('token.malformed')
  })

  test('several audiences may be ours', async () => {
    const two = verifierWith({ issuers: [{ issuer, audience: ['a', 'b'], keys: keysOf(key), tenants: 'every' }] })
    expect([await outcomeOf(two, await mint({ aud: 'b' })), await outcomeOf(two, await mint())]).toEqual(['verified', 'token.audience'])
  })

  test('an issuer speaks for its own tenants only, whatever its tokens claim', async () => {
    const bound = verifierWith({ issuers: [{ issuer, audience: 'api', keys: keysOf(key), tenants: [tenantId('acme')] }] })
    expect([await outcomeOf(bound, await mint({ tenant: 'acme' })), await outcomeOf(bound, await mint({ tenant: 'other' }))]).toEqual(['verified', 'token.issuer'])
    for (const tenant of ['*', '', 'ACME', 'acme\u0000', ['acme'], undefined]) expect(await outcomeOf(bound, await withClaims({ ...goodClaims, tenant }))).toBe('token.malformed')
  })

  test('only our own issuer may name a subject of another', async () => {
    const bound = verifierWith({ issuers: [{ issuer, audience: 'api', keys: keysOf(key), tenants: [tenantId('acme')] }] })
    const trusted = verifierWith({ issuers: [{ issuer, audience: 'api', keys: keysOf(key), tenants: 'every' }] })
    const token = await mint({ tenant: 'acme', sub_iss: 'https://elsewhere.test' })
    expect([await outcomeOf(bound, token), await outcomeOf(trusted, token)]).toEqual(['token.issuer', 'verified'])
  })

  test('configuring an issuer twice is a defect', () => {
    const twice = { issuer, audience: 'api', keys: keysOf(key), tenants: 'every' as const }
    expect(() => verifierWith({ issuers: [twice, twice] })).toThrow('twice')
  })
})

describe('time, to the millisecond', () => {
  const at = async (claims: Partial<AccessTokenClaims>, ms: number) => {
    clock.advance(ms)
    return outcomeOf(verifier, await mint(claims))
  }
  const second = nowMs / 1000

  test('a token lives until its expiry and the leeway, and not at that very instant', async () => {
    expect(await at({ exp: second + 10 }, 10_000 + leewaySeconds * 1000 - 1)).toBe('verified')
    expect(await at({ exp: second + 10 }, 1)).toBe('token.expired')
  })
  test('one that is not valid yet by more than the leeway is not valid yet', async () => {
    expect([await at({ nbf: second + leewaySeconds }, 0), await at({ nbf: second + leewaySeconds + 1 }, 0)]).toEqual(['verified', 'token.not_yet_valid'])
    expect([await at({ iat: second + leewaySeconds }, 0), await at({ iat: second + leewaySeconds + 1 }, 0)]).toEqual(['verified', 'token.not_yet_valid'])
  })
  test('a session that begins in the future would escape every cutoff until then (I3)', async () => {
    expect([await at({ began_at: nowMs + leewaySeconds * 1000 }, 0), await at({ began_at: nowMs + leewaySeconds * 1000 + 1 }, 0)]).toEqual(['verified', 'token.malformed'])
  })
  test('a token and a session are believed up to their greatest age, since entries are kept no longer (I8)', async () => {
    expect([await at({ iat: second - 3_600 }, 0), await at({ iat: second - 3_601 }, 0)]).toEqual(['verified', 'token.too_old'])
    expect([await at({ began_at: nowMs - 2_592_000_000 }, 0), await at({ began_at: nowMs - 2_592_000_001 }, 0)]).toEqual(['verified', 'token.too_old'])
  })
  test.each(['exp', 'iat', 'nbf', 'began_at'] as const)('%s is a whole number of a believable size', async (name) => {
    for (const value of ['1795500100', 1.5, -1, 1e300, Number.MAX_SAFE_INTEGER, null, true, [], {}]) {
      expect([value, await outcomeOf(verifier, await withClaims({ ...goodClaims, [name]: value }))]).toEqual([value, 'token.malformed'])
    }
  })
  test('numbers that JSON cannot hold exactly are no instants', async () => {
    for (const text of ['1e999', '-0.5', '179550010000000000000000', '1795500100.01']) {
      expect(await outcomeOf(verifier, await forged(header, JSON.stringify(goodClaims).replace(/"exp":\d+/, `"exp":${text}`), key))).toBe('token.malformed')
    }
  })
  test('what is refused for its signature is not refused for its time: a stranger learns nothing of either', async () => {
    expect(await outcomeOf(verifier, await mintAccessToken({ ...goodClaims, exp: 1, iat: 0 }, await pair('ES256')))).toBe('token.signature')
  })
})

describe('claims', () => {
  test.each(['iss', 'aud', 'sub', 'client_id', 'jti', 'iat', 'exp', 'tenant', 'began_at', 'kind'])('%s is needed', async (name) => {
    const { [name as keyof AccessTokenClaims]: _gone, ...rest } = goodClaims
    expect(await outcomeOf(verifier, await withClaims(rest))).toBe('token.malformed')
  })
  test.each(['sub', 'client_id', 'jti', 'sid', 'device_id', 'agent_id', 'grant_id'])('%s is a name: not empty, not a number, without control characters', async (name) => {
    for (const value of ['', 1, null, 'a\u0000b', 'a\r\nb', 'x'.repeat(513), ['x'], { toString: 'x' }]) {
      expect([value, await outcomeOf(verifier, await withClaims({ ...goodClaims, [name]: value }))]).toEqual([value, 'token.malformed'])
    }
  })
  test('a lone surrogate is no name', async () => {
    expect(await outcomeOf(verifier, await forged(header, JSON.stringify(goodClaims).replace('alice', '\\ud800'), key))).toBe('token.malformed')
  })
  test('a token that is bound to a key is no bearer token (RFC 9449 section 7.2)', async () => {
    expect(await outcomeOf(verifier, await withClaims({ ...goodClaims, cnf: { jkt: 'x' } }))).toBe('token.malformed')
  })
  test('chains of actors and parents are as long as they may be, and no longer', async () => {
    const actors = (depth: number): object => ({ sub: `actor-${depth}`, ...(depth === 1 ? {} : { act: actors(depth - 1) }) })
    const parents = (count: number) => Array.from({ length: count }, (_, n) => ({ sid: `p-${n}` }))
    const outcomes = []
    for (const more of [{ act: actors(maxActors) }, { act: actors(maxActors + 1) }, { hops: parents(maxParents) }, { hops: parents(maxParents + 1) }]) {
      outcomes.push(await outcomeOf(verifier, await withClaims({ ...goodClaims, ...more })))
    }
    expect(outcomes).toEqual(['verified', 'token.malformed', 'verified', 'token.malformed'])
  })
  test('a refusal names claims and never quotes them', async () => {
    const outcome = await verifier.verify(await withClaims({ ...goodClaims, sub: 'very\u0000secret', jti: 7, 'evil"name': 1 }))
    expect(isRefused(outcome) && outcome.detail).toBe('claims missing or not as they must be: sub, jti')
  })
})

test('whatever a stranger sends, the verifier answers with a refusal and does not throw', async () => {
  const parts = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String().map((text) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')), fc.json().map(encoded), fc.constant(encoded(header)), fc.constant(encoded(goodClaims)))
  await fc.assert(fc.asyncProperty(fc.oneof(fc.array(parts, { maxLength: 6 }).map((each) => each.join('.')), fc.anything()), async (token) => {
    expect(await outcomeOf(verifier, token)).toMatch(/^token\./)
  }), { numRuns: 500 })
})

test('whatever claims the issuer signs, the verifier believes exactly what its rules allow', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(...Object.values(goodClaims)))
  const changes = fc.dictionary(fc.constantFrom(...Object.keys(goodClaims), 'nbf', 'act', 'hops', 'cnf', 'scope', 'amr', 'auth_time'), value, { maxKeys: 3 })
  await fc.assert(fc.asyncProperty(changes, async (changed) => {
    const outcome = await verifier.verify(await withClaims({ ...goodClaims, ...changed }))
    if (isRefused(outcome)) return
    const { facts, claims } = outcome
    expect([facts.hops[0].sub, facts.tenant, facts.beganAt, claims.iss]).toEqual([claims.sub, claims.tenant, claims.began_at, issuer])
    expect(facts.beganAt).toBeLessThanOrEqual(nowMs + leewaySeconds * 1000)
    expect(facts.expiresAt).toBeGreaterThan(nowMs - leewaySeconds * 1000)
  }), { numRuns: 300 })
})
