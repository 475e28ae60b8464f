import { idempotencyOf, requestHashOf } from './idempotency.js'

const keyOf = (value: string | string[] | undefined) => idempotencyOf({ headers: { 'idempotency-key': value } })

test('a key is 1 to 255 visible ASCII characters, or absent', () => {
  expect([keyOf(undefined), keyOf('a'), keyOf('"8e03978e-40d5-43dd-bc93-6894a57f9324"'), keyOf('x'.repeat(255))?.length]).toEqual([undefined, 'a', '"8e03978e-40d5-43dd-bc93-6894a57f9324"', 255])
})

test.each(['', 'x'.repeat(256), 'a b', 'ü', 'a, b', ['a', 'b']])('%p is no key', (value) => {
  expect(() => keyOf(value)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
})

test('a repeat is recognised whatever the order of its members, and another body or query is another request', () => {
  expect(requestHashOf({ a: 1, b: { c: 2, d: 3 } }, { wait: 'published' })).toBe(requestHashOf({ b: { d: 3, c: 2 }, a: 1 }, { wait: 'published' }))
  expect(requestHashOf({ a: 1 })).not.toBe(requestHashOf({ a: 2 }))
  expect(requestHashOf({ a: 1 }, { wait: 'published' })).not.toBe(requestHashOf({ a: 1 }, { wait: 'accepted' }))
})
