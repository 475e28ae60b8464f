import { narrowScope } from './narrow-scope.js'
import { readTokenRequest, type Form } from './token-request.js'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const grant = { grant_type: 'client_credentials' }
const read = (authorization: string | undefined, form: Form) => readTokenRequest(authorization, form)

test('a client authenticates in the header or in the body', () => {
  expect(read(basic('web:s3cret'), grant)).toEqual({ clientId: 'web', secrets: ['s3cret'], scope: undefined })
  expect(read(undefined, { ...grant, client_id: 'web', client_secret: 's3cret', scope: 'gateway' })).toEqual({ clientId: 'web', secrets: ['s3cret'], scope: 'gateway' })
})

test('id and secret in the header are form-encoded; a secret that was not encoded is read as it stands too', () => {
  expect(read(basic('a%3Ab+c:p%25q'), grant)).toMatchObject({ clientId: 'a:b c', secrets: ['p%q', 'p%25q'] })
  expect(read(basic('web:x:y+z'), grant)).toMatchObject({ clientId: 'web', secrets: ['x:y z', 'x:y+z'] })
  expect(read(basic('web:50%'), grant)).toMatchObject({ secrets: ['50%'] })
})

test.each<[string, string | undefined, Form, string]>([
  ['no credentials', undefined, grant, 'invalid_client'],
  ['an id without a secret', undefined, { ...grant, client_id: 'web' }, 'invalid_client'],
  ['an empty secret', undefined, { ...grant, client_id: 'web', client_secret: '' }, 'invalid_client'],
  ['another scheme', 'Bearer abc', grant, 'invalid_client'],
  ['a header that is not base64', 'Basic %%%', grant, 'invalid_client'],
  ['a header without a colon', basic('web'), grant, 'invalid_client'],
  ['an id that no client can have', basic('a%00b:s'), grant, 'invalid_client'],
  ['a broken escape in the id', basic('%zz:s'), grant, 'invalid_client'],
  ['header and body at once', basic('web:s'), { ...grant, client_id: 'web', client_secret: 's' }, 'invalid_request'],
  ['header and body naming different clients', basic('web:s'), { ...grant, client_id: 'other' }, 'invalid_request'],
  ['a repeated parameter', basic('web:s'), { ...grant, scope: ['a', 'b'] }, 'invalid_request'],
  ['no grant type', basic('web:s'), {}, 'invalid_request'],
  ['an empty grant type', basic('web:s'), { grant_type: '' }, 'invalid_request'],
  ['another grant type', basic('web:s'), { grant_type: 'password' }, 'unsupported_grant_type'],
])('%s is refused', (_what, authorization, form, error) => {
  expect(read(authorization, form)).toMatchObject({ error })
})

test('the header may be accompanied by the same client id, and its scheme has no case', () => {
  expect(read(basic('web:s').replace('Basic', 'bAsIc'), { ...grant, client_id: 'web' })).toMatchObject({ clientId: 'web' })
})

test('a scope narrows what the client holds, and an administrator holds every scope', () => {
  expect(narrowScope(undefined, ['gateway', 'audit:read'])).toEqual(['gateway', 'audit:read'])
  expect(narrowScope('audit:read', ['gateway', 'audit:read'])).toEqual(['audit:read'])
  expect(narrowScope('gateway  gateway', ['admin'])).toEqual(['gateway'])
})

test.each(['admin', 'audit:read', 'unheard:of', ' ', 'gateway unheard:of', 'GATEWAY'])('scope %j is not for a gateway', (scope) => {
  expect(narrowScope(scope, ['gateway'])).toMatchObject({ error: 'invalid_scope' })
})
