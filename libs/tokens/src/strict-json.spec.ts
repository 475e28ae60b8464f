import fc from 'fast-check'
import { readStrictObject } from './strict-json.js'

const read = (text: string) => readStrictObject(new TextEncoder().encode(text))

test('reads every object that JSON writes, up to its depth', () => {
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 })), (value) => {
    const text = JSON.stringify(value)
    expect(JSON.stringify(read(text))).toBe(text)
  }))
})

test('finds a name that comes twice wherever it is, whatever it is called and however it is spelled', () => {
  const escaped = (name: string) => `"${[...name].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
  const around = fc.constantFrom<(inner: string) => string>((inner) => inner, (inner) => `{"a":${inner}}`, (inner) => `{"a":[1,{"b":${inner}}]}`)
  fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 8 }), fc.string(), around, fc.boolean(), (name, other, wrap, isEscaped) => {
    const again = isEscaped ? escaped(name) : JSON.stringify(name)
    const filler = name === other ? '' : `${JSON.stringify(other)} : "}{\\"",`
    expect(read(wrap(`{${JSON.stringify(name)}:1,${filler}${again}\t:2}`))).toBeUndefined()
    expect(read(wrap(`{${JSON.stringify(name)}:{${again}:1},${filler}"${name.length}-x":[{${again}:2}]}`))).toBeDefined()
  }))
})

test('values that look like names, brackets and escapes are values', () => {
  expect(read('{"a":"a","b":"\\"a\\":","c":"[{","d":["a","a","\\\\"]}')).toEqual({ a: 'a', b: '"a":', c: '[{', d: ['a', 'a', '\\'] })
})

test.each(['', '[]', 'null', '1', '"x"', '{', '{"a":1}x', '{a:1}', "{'a':1}", '{"a":01}', '\ufeff{}', '{"a":"\n"}', '{"a":NaN}'])('%j is no object', (text) => {
  expect(read(text)).toBeUndefined()
})

test('bytes that are no UTF-8, overlong forms and lone surrogates among them, are refused', () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    expect(readStrictObject(Uint8Array.from([...Buffer.from('{"a":"'), ...bytes, ...Buffer.from('"}')]))).toBeUndefined()
  }
})

test('nests so deep and no deeper, and takes its time from nobody', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  expect([read(nested(32)) !== undefined, read(nested(33)), read(`{"a":${'['.repeat(1_000_000)}`)]).toEqual([true, undefined, undefined])
  expect(read(`{"a":"${'\\"'.repeat(500_000)}"}`)).toBeDefined()
})
