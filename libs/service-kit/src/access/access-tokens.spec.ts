import { instant, ManualClock } from '@curfew/kernel'
import type { TokenVerifier, Verified } from '@curfew/tokens'
import { AccessTokens, accessTokensOf } from './access-tokens.js'

class CountingVerifier implements TokenVerifier {
  readonly asked: string[] = []
  constructor(private readonly expiresAt: number) {}
  verify(token: string) {
    this.asked.push(token)
    if (token.startsWith('bad')) return Promise.resolve({ code: 'token.signature' as const, detail: 'no' })
    return Promise.resolve({ facts: { expiresAt: instant(this.expiresAt) }, claims: { jti: token } } as unknown as Verified)
  }
}

test('an accepted token is verified once and forgotten when it expires', async () => {
  const clock = new ManualClock(1_000)
  const verifier = new CountingVerifier(5_000)
  const tokens = new AccessTokens(verifier, clock)
  const first = await tokens.verify('a')
  expect(await tokens.verify('a')).toBe(first)
  expect(verifier.asked).toEqual(['a'])
  clock.advance(4_000)
  await tokens.verify('a')
  expect(verifier.asked).toEqual(['a', 'a'])
})

test('a refusal is not remembered, and no other text passes for a remembered one', async () => {
  const verifier = new CountingVerifier(5_000)
  const tokens = new AccessTokens(verifier, new ManualClock(0))
  for (const token of ['bad', 'bad', 'a.b.c', 'a.b', 'a.b.c ', 'A.B.C']) await tokens.verify(token)
  expect(verifier.asked).toEqual(['bad', 'bad', 'a.b.c', 'a.b', 'a.b.c ', 'A.B.C'])
})

test('memory is bounded: the least recently seen is verified again', async () => {
  const verifier = new CountingVerifier(5_000)
  const tokens = new AccessTokens(verifier, new ManualClock(0), 2)
  for (const token of ['a', 'b', 'a', 'c', 'a', 'b']) await tokens.verify(token)
  expect(verifier.asked).toEqual(['a', 'b', 'c', 'b'])
})

test('services that share a verifier share the memory', () => {
  const verifier = new CountingVerifier(0)
  const clock = new ManualClock(0)
  expect(accessTokensOf(verifier, clock)).toBe(accessTokensOf(verifier, clock))
})
