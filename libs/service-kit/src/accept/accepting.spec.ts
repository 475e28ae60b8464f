import { Fault } from '@curfew/contracts'
import { z } from 'zod'
import { accept, accepting } from './accepting.http.js'
import { readForm, readOAuthForm } from './form-text.js'

const errorsOf = (attempt: () => unknown) => {
  try {
    attempt()
  } catch (error) {
    if (error instanceof Fault) return error.details.errors
    throw error
  }
  return 'accepted'
}

const schema = z.strictObject({ 'a/b': z.strictObject({ '~': z.number() }).optional(), list: z.array(z.string()).optional(), n: z.coerce.number().int().default(7) })

test('what is accepted is what the schema makes of it', () => {
  expect(accept(schema, { list: ['x'] }, 'body')).toEqual({ list: ['x'], n: 7 })
})

test('every objection has an RFC 6901 pointer, unknown members included', () => {
  const errors = errorsOf(() => accept(schema, { 'a/b': { '~': 'x', more: 1 }, list: ['x', 2], 'b~a/d': 1 }, 'body'))
  expect((errors as readonly { pointer: string }[]).map(({ pointer }) => pointer).sort()).toEqual(['/a~1b/more', '/a~1b/~0', '/b~0a~1d', '/list/1'])
})

test('a body that is no object is pointed at as a whole', () => {
  for (const value of [undefined, null, 5, 'x', []]) expect(errorsOf(() => accept(schema, value, 'body'))).toEqual([{ pointer: '', message: expect.any(String) as string }])
})

test('query parameters are named, and one that is given twice is refused even where a list could be coerced', () => {
  expect(errorsOf(() => accept(schema, readForm('m=1'), 'query'))).toEqual([{ pointer: '?m', message: 'is not known here' }])
  expect(errorsOf(() => accept(schema, readForm('n=1&n=1'), 'query'))).toEqual([{ pointer: '?n', message: 'is given more than once' }])
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('a parameter named %s is an ordinary, unknown one', (name) => {
  expect(errorsOf(() => accept(schema, readForm(`${name}=1`), 'query'))).toEqual([{ pointer: `?${name}`, message: 'is not known here' }])
})

test('a union answers for the branch that came furthest', () => {
  const union = z.union([z.strictObject({ kind: z.literal('a'), deep: z.strictObject({ x: z.number() }) }), z.array(z.string())])
  expect(errorsOf(() => accept(union, { kind: 'a', deep: { x: 'no' } }, 'body'))).toEqual([{ pointer: '/deep/x', message: expect.any(String) as string }])
})

test('objections are bounded in number and length, and quote no value', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'x'.repeat(1_000)}${at}`, 'hunter2']))
  const errors = errorsOf(() => accept(schema, many, 'body')) as readonly { pointer: string }[]
  expect(errors).toHaveLength(32)
  expect(Math.max(...errors.map(({ pointer }) => pointer.length))).toBeLessThanOrEqual(256)
  expect(JSON.stringify(errors)).not.toContain('hunter2')
})

test('one path parameter by itself is named in braces', () => {
  const pipe = accepting(z.uuid())
  expect(errorsOf(() => pipe.transform('x', { type: 'param', data: 'id' }))).toEqual([{ pointer: '{id}', message: expect.any(String) as string }])
})

test('a form holds each parameter once, as RFC 6749 asks', () => {
  expect({ ...readOAuthForm('grant_type=client_credentials&scope=a+b%20c') }).toEqual({ grant_type: 'client_credentials', scope: 'a b c' })
  expect(errorsOf(() => readOAuthForm('scope=a&scope=b'))).toEqual([{ pointer: '/scope', message: 'is given more than once' }])
})
