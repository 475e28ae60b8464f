import { Secret } from '@curfew/kernel'
import { derivedSecrets } from './derived-secrets.js'

const secrets = derivedSecrets(new Secret('a root secret of a spec'))
const { cursors } = secrets
const invalid = expect.objectContaining({ code: 'request.invalid', details: { errors: [{ pointer: '?cursor', message: expect.any(String) as string }] } }) as unknown as Error

test('a cursor brings back the position it was made of, and the same position makes the same cursor', () => {
  const position = ['2026-11-23T20:15:04.123Z', 'ü', 7, null]
  const cursor = cursors.encode(position, 'sessions default')
  expect(cursors.decode(cursor, 'sessions default')).toEqual(position)
  expect(cursors.encode(position, 'sessions default')).toBe(cursor)
  expect(cursors.decode(undefined, 'sessions default')).toBeUndefined()
})

test('nothing of the position shows', () => {
  const cursor = cursors.encode(['alice@example.com'], 'l')
  expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('alice')
})

test('it opens for its own list only: not for another tenant, route or deployment', () => {
  const cursor = cursors.encode(['x'], 'sessions default')
  expect(() => cursors.decode(cursor, 'sessions acme')).toThrow(invalid)
  expect(() => derivedSecrets(new Secret('another root secret')).cursors.decode(cursor, 'sessions default')).toThrow(invalid)
})

test('every changed or missing byte is noticed, and garbage is a bad request rather than an error of ours', () => {
  const cursor = cursors.encode(['x', 1], 'l')
  for (let at = 0; at < cursor.length - 1; at += 1) expect(() => cursors.decode(cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1), 'l')).toThrow(invalid)
  for (const garbage of ['', 'x', '!!', '%00', cursor.slice(0, 20), cursor.slice(0, -3), 'A'.repeat(512), 'A'.repeat(100_000)]) expect(() => cursors.decode(garbage, 'l')).toThrow(invalid)
})

test('a position that no cursor could hold is found where it is made', () => {
  expect(() => cursors.encode(['x'.repeat(600)], 'l')).toThrow(RangeError)
})

test('a sealed value opens in its own context only, and not with a tag cut short', () => {
  const sealed = secrets.seal(Buffer.from('private key'), 'row 1')
  expect(secrets.open(sealed, 'row 1').toString()).toBe('private key')
  expect(() => secrets.open(sealed, 'row 2')).toThrow()
  expect(() => secrets.open(Buffer.concat([sealed.subarray(0, 12), sealed.subarray(12, 16)]), 'row 1')).toThrow()
})

test('the hash of a session id depends on its tenant and is never the id', () => {
  expect(secrets.sessionHash('default', 's')).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(secrets.sessionHash('acme', 's')).not.toBe(secrets.sessionHash('default', 's'))
})
