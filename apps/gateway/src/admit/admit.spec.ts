import { Fault } from '@curfew/contracts'
import { instant, tenantId } from '@curfew/kernel'
import type { Verified } from '@curfew/tokens'
import { admit, type AdmitBy } from './admit.js'
import { refusalOf } from './refusal.js'

const verified = { claims: { sub: 'alice' }, facts: { tenant: tenantId('t'), hops: [{}], beganAt: instant(0), expiresAt: instant(1) } } as unknown as Verified
const by = (more: Partial<AdmitBy> = {}): AdmitBy => ({ cookieName: '__Host-curfew', tokens: { verify: async () => verified }, feed: { verdictOn: () => 'allowed' }, hasBeenReady: () => true, ...more })
const bearer = ['authorization', 'Bearer x']
const browser = ['cookie', '__Host-curfew=x']
const id = '7f000000-0000-4000-8000-000000000000'

async function answerTo(rawHeaders: string[], judgedBy = by()) {
  const decision = await admit(rawHeaders, judgedBy)
  if (decision.kind === 'admitted') return { status: 200, code: 'allowed', headers: {} as Record<string, string>, problem: {} as Record<string, unknown> }
  const { status, headers, body } = refusalOf(decision.fault, { id, isBrowser: decision.isBrowser, cookieName: '__Host-curfew' })
  const problem = JSON.parse(body) as Record<string, unknown>
  return { status, code: problem.code, headers: headers as Record<string, string>, problem }
}

test('a good token of a living session goes on', async () => {
  expect((await answerTo(bearer)).code).toBe('allowed')
  expect((await answerTo(browser)).code).toBe('allowed')
})

test('before it has ever been ready it says so, whatever the request carries: it could not tell a good token from a bad one', async () => {
  const notReady = by({ hasBeenReady: () => false, tokens: { verify: () => Promise.reject(new Error('asked')) } })
  for (const headers of [[], bearer, browser]) {
    expect(await answerTo(headers, notReady)).toMatchObject({ status: 503, code: 'gateway.not_ready', headers: { 'retry-after': '1' } })
  }
})

test('without a token it learns the scheme and nothing else (RFC 6750 section 3.1)', async () => {
  const { status, code, headers } = await answerTo([])
  expect([status, code, headers['www-authenticate'], headers['clear-site-data']]).toEqual([401, 'token.missing', 'Bearer', undefined])
})

test.each(['token.malformed', 'token.signature', 'token.issuer', 'token.audience', 'token.algorithm', 'token.expired', 'token.not_yet_valid', 'token.too_old'] as const)(
  'a token refused with %s is an invalid one', async (refusal) => {
    const { status, code, headers } = await answerTo(browser, by({ tokens: { verify: async () => ({ code: refusal, detail: 'why' }) } }))
    expect([status, code, headers['set-cookie']]).toEqual([401, refusal, undefined])
    expect(headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", error_description="[^"\\\r\n]+"$/)
  })

test('ambiguous credentials are not looked at', async () => {
  const { status, code } = await answerTo([...bearer, ...bearer], by({ tokens: { verify: () => Promise.reject(new Error('asked')) } }))
  expect([status, code]).toEqual([401, 'token.malformed'])
})

describe('a revoked session', () => {
  const revoked = by({ feed: { verdictOn: () => 'revoked' } })

  test('is told that it ended, and never which scope', async () => {
    const { status, code, headers, problem } = await answerTo(bearer, revoked)
    expect([status, code, headers['clear-site-data'], headers['set-cookie']]).toEqual([401, 'session.revoked', undefined, undefined])
    expect(headers['www-authenticate']).toContain('error="invalid_token"')
    expect(Object.keys(problem).sort()).toEqual(['code', 'instance', 'status', 'title', 'type'])
  })

  test('of a browser is also forgotten there', async () => {
    const { headers } = await answerTo(browser, revoked)
    expect(headers['clear-site-data']).toBe('"cookies", "storage"')
    expect(headers['set-cookie']).toBe('__Host-curfew=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure')
  })

  test('whose cookie has a plain name is expired without Secure, which plain HTTP would ignore', () => {
    expect(refusalOf(new Fault('session.revoked'), { id, isBrowser: true, cookieName: 'sid' }).headers['set-cookie']).toBe('sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax')
  })
})

test('a stale denylist refuses everybody, and says when to come back', async () => {
  expect(await answerTo(bearer, by({ feed: { verdictOn: () => 'stale' } }))).toMatchObject({ status: 503, code: 'gateway.stale', headers: { 'retry-after': '1' } })
})

test('every refusal is a problem document that names its request and is kept by no cache', async () => {
  const { headers, problem } = await answerTo([])
  expect(problem).toMatchObject({ type: 'https://curfew.dev/problems/token.missing', instance: `urn:uuid:${id}` })
  expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'x-request-id': id })
})
