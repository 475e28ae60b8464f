import { MapDenylist } from '@curfew/denylist'
import { instant, tenantId } from '@curfew/kernel'
import { maxTokenLength } from './compact.js'
import { factsOf, type AccessTokenClaims } from './claims.js'
import { mintAccessToken, mintIfItFits } from './mint.js'
import { goodClaims, nowMs, pair } from './tokens-under-test.contract.js'

describe('facts (I6)', () => {
  test('name every hop: the token, its actors from the outermost inwards, and the sessions it was derived from', () => {
    const { hops } = factsOf({
      ...goodClaims,
      act: { sub: 'bot', client_id: 'bot-client', agent_id: 'a1', device_id: 'd1', grant_id: 'g1', sid: 's-bot', kid: 'k-bot', act: { sub: 'planner', iss: 'https://other.test' } },
      hops: [{ sid: 's-parent', sub: 'alice', device_id: 'd2', kid: 'k-parent' }, { iss: 'https://idp.test', sub: 'ext', grant_id: 'g2', client_id: 'c2', agent_id: 'a2' }],
    }, 'k-own')
    expect(hops.map((hop) => JSON.parse(JSON.stringify(hop)) as object)).toEqual([
      { issuer: goodClaims.iss, sub: 'alice', sessionId: 's-1', clientId: 'web', jti: 'j-1', kid: 'k-own' },
      { issuer: goodClaims.iss, sub: 'bot', sessionId: 's-bot', clientId: 'bot-client', deviceId: 'd1', agentId: 'a1', grantId: 'g1', kid: 'k-bot' },
      { issuer: 'https://other.test', sub: 'planner' },
      { issuer: goodClaims.iss, sub: 'alice', sessionId: 's-parent', deviceId: 'd2', kid: 'k-parent' },
      { issuer: 'https://idp.test', sub: 'ext', clientId: 'c2', agentId: 'a2', grantId: 'g2' },
    ])
  })

  test('a subject of another issuer is named under that one alone; ids and keys stay the token\'s own', () => {
    const { hops } = factsOf({ ...goodClaims, sub_iss: 'https://idp.test' }, 'k-own')
    expect(hops.map((hop) => JSON.parse(JSON.stringify(hop)) as object)).toEqual([
      { issuer: goodClaims.iss, sessionId: 's-1', clientId: 'web', jti: 'j-1', kid: 'k-own' }, { issuer: 'https://idp.test', sub: 'alice' },
    ])
    expect(factsOf({ ...goodClaims, sub_iss: goodClaims.iss }, 'k')).toEqual(factsOf(goodClaims, 'k'))
  })

  test('so are actors and parents of another issuer\'s subject: their keys stay their own tokens\'', () => {
    const { hops } = factsOf({
      ...goodClaims, act: { sub: 'bot', sub_iss: 'https://idp.test', agent_id: 'a1', kid: 'k-bot' }, hops: [{ sid: 's-parent', sub: 'bob', sub_iss: 'https://idp.test', kid: 'k-parent' }],
    }, 'k-own')
    expect(hops.slice(1).map((hop) => JSON.parse(JSON.stringify(hop)) as object)).toEqual([
      { issuer: goodClaims.iss, agentId: 'a1', kid: 'k-bot' }, { issuer: 'https://idp.test', sub: 'bot' },
      { issuer: goodClaims.iss, sessionId: 's-parent', kid: 'k-parent' }, { issuer: 'https://idp.test', sub: 'bob' },
    ])
  })

  test('of two people called alice at two issuers, each falls to her own issuer\'s revocation and to the wildcard', () => {
    const falls = (claims: AccessTokenClaims, subjectIssuer: string) => {
      const denylist = new MapDenylist()
      denylist.apply({
        tenant: tenantId(claims.tenant), scope: { kind: 'subject', issuer: subjectIssuer, sub: 'alice' }, cutoff: instant(nowMs), except: [], forgetAfter: instant(nowMs + 1e9),
      })
      return denylist.verdictOn(factsOf(claims, 'k'), instant(nowMs)) === 'revoked'
    }
    const theirs = { ...goodClaims, sub_iss: 'https://idp.test' }
    const verdicts = [goodClaims.iss, 'https://idp.test', 'https://other.test', '*'].map((each) => [falls(goodClaims, each), falls(theirs, each)])
    expect(verdicts).toEqual([[true, false], [false, true], [false, false], [true, true]])
  })

  test('begin where the authentication began, not where the token did (I3)', () => {
    expect(factsOf({ ...goodClaims, began_at: 123, auth_time: 7 }, 'k').beganAt).toBe(123)
  })
})

describe('minting', () => {
  test('claims that no verifier takes are a defect of the caller, whatever they are', async () => {
    const key = await pair('ES256')
    const bad: Partial<Record<keyof AccessTokenClaims, unknown>>[] = [{ sub: '' }, { exp: 1.5 }, { tenant: 'UPPER' }, { kind: 'robot' }, { cnf: {} }]
    for (const each of bad) await expect(mintAccessToken({ ...goodClaims, ...each } as AccessTokenClaims, key)).rejects.toThrow(/no verifier takes: /)
    await expect(mintAccessToken(goodClaims, { ...key, kid: 'a b' })).rejects.toThrow('key id')
  })

  test('so is a token longer than any verifier takes', async () => {
    const key = await pair('ES256')
    const hops = Array.from({ length: 16 }, () => ({ sid: 'x'.repeat(512), sub: 'x'.repeat(512), client_id: 'x'.repeat(512) }))
    await expect(mintAccessToken({ ...goodClaims, hops }, key)).rejects.toThrow('longer')
    expect(await mintIfItFits({ ...goodClaims, hops }, key)).toBeUndefined()
    expect((await mintAccessToken(goodClaims, key)).length).toBeLessThan(maxTokenLength / 16)
  })

  test('what is no claim of ours does not get into a token', async () => {
    const token = await mintAccessToken({ ...goodClaims, password: 'x' } as AccessTokenClaims, await pair('ES256'))
    expect(JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())).toEqual(goodClaims)
  })
})
