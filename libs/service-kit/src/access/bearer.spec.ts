import { challenge, credentialsOf } from './bearer.js'

test('the token is taken from the Authorization header, however its name and scheme are spelt', () => {
  for (const name of ['Authorization', 'authorization', 'AUTHORIZATION']) expect(credentialsOf(['Host', 'x', name, 'bearer abc.def-_~+/=='], '/v1/x')).toEqual({ token: 'abc.def-_~+/==' })
})

test('a request without credentials has none, and is not told that they are wrong', () => {
  expect(credentialsOf(['Host', 'x'], '/v1/x')).toBeUndefined()
  expect(challenge()).toBe('Bearer realm="curfew"')
})

test.each([
  ['two Authorization headers', ['Authorization', 'Bearer a', 'authorization', 'Bearer a'], '/v1/x'],
  ['another scheme', ['Authorization', 'Basic abc'], '/v1/x'],
  ['a scheme without a token', ['Authorization', 'Bearer '], '/v1/x'],
  ['two tokens in one header', ['Authorization', 'Bearer a, Bearer b'], '/v1/x'],
  ['a token in the URL', [], '/v1/x?access_token=abc'],
  ['a token in the URL beside the header', ['Authorization', 'Bearer a'], '/v1/x?q=1&access_token=abc'],
])('%s is refused', (_what, headers, url) => {
  expect(credentialsOf(headers, url)).toEqual({ objection: expect.any(String) as string })
})

test('a header that only names the scheme never quotes what it held', () => {
  const refused = credentialsOf(['Authorization', 'Bearer sec ret'], '/')
  expect(JSON.stringify(refused)).not.toContain('sec ret')
})
