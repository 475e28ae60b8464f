import { readCredentials, withoutCookie } from './read-credentials.js'

const cookie = '__Host-curfew'
const read = (...rawHeaders: string[]) => readCredentials(rawHeaders, cookie)

test.each([
  ['nothing', [], { kind: 'none', isBrowser: false }],
  ['a bearer token', ['Authorization', 'Bearer abc'], { kind: 'token', token: 'abc', isBrowser: false }],
  ['the scheme in any case', ['AUTHORIZATION', 'bEaReR abc'], { kind: 'token', token: 'abc', isBrowser: false }],
  ['white space around it', ['authorization', '  Bearer \t abc  '], { kind: 'token', token: 'abc', isBrowser: false }],
  ['a scheme of the upstream\'s', ['authorization', 'Basic YTpi'], { kind: 'none', isBrowser: false }],
  ['a scheme that begins like ours', ['authorization', 'BearerX abc'], { kind: 'none', isBrowser: false }],
  ['a scheme without a token', ['authorization', 'Bearer'], { kind: 'token', token: '', isBrowser: false }],
  ['two tokens in one header', ['authorization', 'Bearer a b'], { kind: 'token', token: 'a b', isBrowser: false }],
  ['the cookie', ['cookie', `a=b; ${cookie}=abc; c=d`], { kind: 'token', token: 'abc', isBrowser: true }],
  ['the cookie beside the upstream\'s scheme', ['authorization', 'Basic YTpi', 'cookie', `${cookie}=abc`], { kind: 'token', token: 'abc', isBrowser: true }],
  ['both, of which the header is explicit', ['cookie', `${cookie}=abc`, 'authorization', 'Bearer xyz'], { kind: 'token', token: 'xyz', isBrowser: true }],
  ['a cookie with another spelling', ['cookie', '__host-curfew=abc'], { kind: 'none', isBrowser: false }],
  ['a cookie whose name ends like ours', ['cookie', `x${cookie}=abc`], { kind: 'none', isBrowser: false }],
  ['a value with equal signs', ['cookie', `${cookie}=a=b==`], { kind: 'token', token: 'a=b==', isBrowser: true }],
])('%s is read in one way', (_what, rawHeaders, expected) => {
  expect(read(...rawHeaders)).toEqual(expected)
})

test.each([
  ['two Authorization headers', ['authorization', 'Bearer a', 'Authorization', 'Bearer a'], false],
  ['two of which one is not ours', ['authorization', 'Basic a', 'authorization', 'Bearer a'], false],
  ['the cookie twice', ['cookie', `${cookie}=a; ${cookie}=a`], true],
  ['the cookie in two headers', ['cookie', `${cookie}=a`, 'cookie', `x=y; ${cookie}=b`], true],
])('%s could be read in two ways, so they are read in none', (_what, rawHeaders, isBrowser) => {
  expect(read(...rawHeaders)).toMatchObject({ kind: 'ambiguous', isBrowser })
})

test('the cookie is taken out of a header, and nothing else is', () => {
  expect(withoutCookie(`a=b; ${cookie}=abc;c=d=e; flag; ${cookie}=2`, cookie)).toBe('a=b; c=d=e; flag')
  expect([withoutCookie(`${cookie}=abc`, cookie), withoutCookie(` ${cookie} = abc ; `, cookie)]).toEqual([undefined, undefined])
})
