import { PreparedStatements } from './prepared-statements.js'

test('a statement gets a name when it has come often enough, and keeps it', () => {
  const prepared = new PreparedStatements()
  const names = Array.from({ length: 8 }, () => prepared.nameOf('SELECT $1'))
  expect(names.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => undefined))
  expect(names[5]).toBeDefined()
  expect(new Set(names.slice(5)).size).toBe(1)
  for (let i = 0; i < 6; i++) prepared.nameOf('SELECT $2')
  expect(prepared.nameOf('SELECT $2')).not.toBe(names[5])
})

test('texts made up at run time use up no memory beyond a bound, and those known before go on', () => {
  const prepared = new PreparedStatements()
  for (let i = 0; i < 5; i++) prepared.nameOf('hot')
  for (let i = 0; i < 10_000; i++) prepared.nameOf(`cold ${i}`)
  expect(prepared.nameOf('hot')).toBeDefined()
  for (let i = 0; i < 10; i++) expect(prepared.nameOf('one too many')).toBeUndefined()
})
