import { Fault } from '@curfew/contracts'
import { maxDepth, readJsonBody } from './json-text.js'

const read = (text: string) => readJsonBody(Buffer.from(text))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test('JSON is read as it is, brackets and quotes inside its strings included', () => {
  const value = { a: ['[[[[', '\\"]]', '{'], 'b"': { c: null } }
  expect(read(JSON.stringify(value))).toEqual(value)
})

test('it may nest as deep as allowed and no deeper, before anything is built', () => {
  expect(read(nested(maxDepth))).toBeInstanceOf(Array)
  expect(() => read(nested(maxDepth + 1))).toThrow(Fault)
  expect(() => read('['.repeat(500_000))).toThrow(Fault)
  expect(() => read('{"a":'.repeat(maxDepth + 1))).toThrow(Fault)
})

test.each(['', '{', 'nothing', '{"a":1}}', "{'a':1}", '\ufeff{}'])('%p is no JSON', (text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
})

test('bytes that are not UTF-8 are refused rather than mended', () => {
  expect(() => readJsonBody(Buffer.from([0x22, 0xff, 0x22]))).toThrow(expect.objectContaining({ code: 'request.invalid' }))
})

test.each(['{"__proto__":{"admin":true}}', '{"a":[{"\\u005f_proto__":1}]}', '{"\\u005F\\u005Fproto\\u005f_":1}'])('%p holds a member that could become a prototype', (text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
})

test('text that merely mentions such a name is fine', () => {
  expect(read('{"a":"__proto__","b":"\\u005f"}')).toEqual({ a: '__proto__', b: '_' })
})
