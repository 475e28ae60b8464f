import { wordsOf } from './words.js'

test('a text and a search for it split alike', () => {
  expect(wordsOf(['alice@example.com'])).toEqual(['alice', 'example', 'com'])
  expect(wordsOf(['Password_Reset by HELPDESK-4711'])).toEqual(['password', 'reset', 'by', 'helpdesk', '4711'])
})

test('scripts other than Latin have words too, and one spelling in either normal form', () => {
  expect(wordsOf(['Zoë Σίσυφος 東京'])).toEqual(['zoë', 'σίσυφος', '東京'])
  expect(wordsOf(['Zoe\u0308'])).toEqual(wordsOf(['Zo\u00eb']))
})

test('hostile text makes a bounded number of bounded words', () => {
  const words = wordsOf([Array.from({ length: 1_000 }, (_, at) => `w${at}`).join(' '), 'x'.repeat(100_000)])
  expect(words).toHaveLength(32)
  expect(wordsOf(['x'.repeat(100_000)])[0]).toHaveLength(64)
  expect(wordsOf(['---', '', '\0'])).toEqual([])
})
