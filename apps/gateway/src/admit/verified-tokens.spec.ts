import { instant, ManualClock, tenantId } from '@curfew/kernel'
import type { Refused, TokenVerifier, Verified } from '@curfew/tokens'
import { VerifiedTokens } from './verified-tokens.js'

const lifeMs = 300_000
let clock: ManualClock
let asked: string[]
let answer: (token: string) => Promise<Verified | Refused>
const verifier: TokenVerifier = { verify: (token) => {
  asked.push(token)
  return answer(token)
} }
const good = (token: string): Verified => ({ claims: { sub: token } as Verified['claims'], facts: { tenant: tenantId('t'), hops: [{}], beganAt: instant(0), expiresAt: instant(1_000_000 + lifeMs) } })
const tokens = (maxEntries?: number) => new VerifiedTokens({ verifier, clock, leewayMs: 5_000, ...(maxEntries === undefined ? {} : { maxEntries }) })

beforeEach(() => {
  clock = new ManualClock(1_000_000)
  asked = []
  answer = async (token) => good(token)
})

test('a token is verified once a minute, not once a request', async () => {
  const cache = tokens()
  expect(await cache.verify('a')).toEqual(good('a'))
  await cache.verify('a')
  clock.advance(59_999)
  await cache.verify('a')
  expect(asked).toEqual(['a'])
  clock.advance(1)
  await cache.verify('a')
  expect(asked).toEqual(['a', 'a'])
})

test('it is not remembered past its expiry and the verifier\'s leeway, also when the wall clock jumps there', async () => {
  const cache = tokens()
  await cache.verify('a')
  clock.step(lifeMs + 4_999)
  await cache.verify('a')
  clock.step(1)
  await cache.verify('a')
  expect(asked).toEqual(['a', 'a'])
})

test('a refusal is not remembered', async () => {
  const cache = tokens()
  answer = async () => ({ code: 'token.signature', detail: 'no' })
  await cache.verify('a')
  answer = async (token) => good(token)
  expect(await cache.verify('a')).toEqual(good('a'))
})

test('many who bring one token at once wait for one verification', async () => {
  const cache = tokens()
  await Promise.all(Array.from({ length: 50 }, () => cache.verify('a')))
  expect(asked).toEqual(['a'])
})

test('a verifier that fails is asked again', async () => {
  const cache = tokens()
  answer = () => Promise.reject(new Error('defect'))
  await expect(cache.verify('a')).rejects.toThrow('defect')
  answer = async (token) => good(token)
  expect(await cache.verify('a')).toEqual(good('a'))
})

test('when the keys change, everything is verified again, also what was being verified by the old ones', async () => {
  const cache = tokens()
  await cache.verify('a')
  let finish = (_outcome: Verified): void => undefined
  answer = () => new Promise((resolve) => (finish = resolve))
  const old = cache.verify('b')
  cache.clear()
  finish(good('b'))
  await old
  expect(cache.size).toBe(0)
  answer = async (token) => good(token)
  await Promise.all([cache.verify('a'), cache.verify('b')])
  expect(asked).toEqual(['a', 'b', 'a', 'b'])
})

test('it holds so many and no more: the least recently used goes first', async () => {
  const cache = tokens(2)
  for (const token of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.verify(token)
  expect([asked, cache.size]).toEqual([['a', 'b', 'c', 'b'], 2])
})
