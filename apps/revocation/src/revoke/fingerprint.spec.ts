import { fingerprintOf } from './fingerprint.js'

test('the order in which members were written makes no other request', () => {
  expect(fingerprintOf({ scope: { kind: 'subject', sub: 'a' }, except: ['x', 'y'] })).toBe(fingerprintOf({ except: ['x', 'y'], scope: { sub: 'a', kind: 'subject' } }))
})

test.each([{ scope: { kind: 'subject', sub: 'b' } }, { scope: { kind: 'subject', sub: 'a' }, except: [] }, { scope: { kind: 'subject', sub: 'a', issuer: 'x' } }])('%j is another request', (other) => {
  expect(fingerprintOf(other)).not.toBe(fingerprintOf({ scope: { kind: 'subject', sub: 'a' } }))
})
